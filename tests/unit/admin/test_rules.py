"""What a permission may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_svc.permissions import models as rules
from admin_svc.permissions.models import InvalidAction, InvalidPath, InvalidVerb, checked
from shared.contracts.policy import Permission


def a_rule(
    role: str = "member",
    verb: str = "GET",
    path: str = "api/v2/demo",
    action: str = "ACCEPT",
    topic: str | None = None,
) -> Permission:
    return Permission(role, verb, path, action, topic)


def test_a_permission_is_written_in_one_way() -> None:
    said = a_rule(" member ", " get ", " /api/v2/demo// ", "Accept ", " demo ")

    assert checked(said) == a_rule(topic="demo")


@pytest.mark.parametrize("verb", ["get", "HEAD", "Post", "PUT", "patch", "DELETE", "all"])
def test_verbs_are_kept_in_upper_case(verb: str) -> None:
    assert rules.verb(verb) == verb.upper()


@pytest.mark.parametrize(
    "verb", ["fetch", "", "options", "TRACE", "CONNECT", "GET POST", "*", "ANY"]
)
def test_other_verbs_are_refused(verb: str) -> None:
    with pytest.raises(InvalidVerb):
        rules.verb(verb)


@pytest.mark.parametrize("action", ["accept", "Drop", "AUDIT"])
def test_actions_are_kept_in_upper_case(action: str) -> None:
    assert rules.action(action) == action.upper()


@pytest.mark.parametrize("action", ["", "allow", "deny", "ACCEPT,AUDIT"])
def test_other_actions_are_refused(action: str) -> None:
    with pytest.raises(InvalidAction):
        rules.action(action)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("api/v2/demo", "api/v2/demo"),
        ("/api/v2/demo/", "api/v2/demo"),
        ("assets", "assets"),
        ("a/..b/.c/d...", "a/..b/.c/d..."),
        ("a/%2F/:id@x", "a/%2F/:id@x"),
    ],
)
def test_paths_are_kept_without_slashes_around_them(said: str, kept: str) -> None:
    assert rules.path(said) == kept


@pytest.mark.parametrize("service", ["identity", "resource", "admin"])
@pytest.mark.parametrize("name", ["", "/", "api/v2/", "/api/v2/", "api/v2/barong/"])
@pytest.mark.parametrize("rest", ["", "/", "/users", "/users/"])
def test_every_name_of_our_paths_is_kept_as_the_canonical_one(
    name: str, service: str, rest: str
) -> None:
    assert rules.path(name + service + rest) == f"api/v2/barong/{service}{rest.rstrip('/')}"


@pytest.mark.parametrize(
    "path",
    [
        *("api", "api/v2", "api/v2/barong", "administrator", "admins/users", "api/v2/adminx"),
        *("api/v1/admin", "barong/admin", "api/v2/peatio/admin", "api/v2/auth/admin", "Admin"),
    ],
)
def test_paths_of_others_keep_their_names(path: str) -> None:
    assert rules.path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "//", " / ", "a//b", "a/./b", "a/../b", ".."),
        *("a?b", "a#b", "a b", "a\nb", "a\\b", "ä", "a%", "a%2", "a%zz", "a" * 1025),
    ],
)
def test_paths_that_no_request_has_are_refused(path: str) -> None:
    with pytest.raises(InvalidPath):
        rules.path(path)


@given(st.text(alphabet="ab./%2F é?\t", max_size=12))
def test_a_path_that_is_kept_is_kept_as_it_is(text: str) -> None:
    try:
        kept = rules.path(text)
    except InvalidPath:
        return
    assert rules.path(kept) == kept == rules.path(f"/{kept}/")
    assert all(segment not in ("", ".", "..") for segment in kept.split("/"))


def test_the_first_fault_is_told() -> None:
    with pytest.raises(InvalidVerb):
        checked(a_rule(verb="fetch", path="//", action="allow"))
    with pytest.raises(InvalidAction):
        checked(a_rule(path="//", action="allow"))
