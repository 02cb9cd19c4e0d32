"""The canonical path: which paths are refused, and which ones are the same path."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from authz_gateway.routing.path import target
from shared.errors import Malformed
from shared.policy.paths import MAX_PATH_LENGTH, canonical, raw_reading, segments

AMBIGUOUS = [
    "",
    "*",
    "pub",
    "http://gateway/pub",
    "//gateway/pub",
    "/pub//x",
    "/pub//",
    "/.",
    "/..",
    "/pub/.",
    "/pub/..",
    "/pub/../admin",
    "/pub/./x",
    "/pub/%2e",
    "/pub/%2E%2e/admin",
    "/pub/.%2e/admin",
    "/pub/a%2fb",
    "/pub/a%2Fb",
    "/pub/a%5cb",
    "/pub/a\\b",
    "/pub/..\\admin",
    "/pub/..;/admin",
    "/pub;a=b",
    "/pub/%00",
    "/pub/a%0d%0aX-Y:z",
    "/pub/%7f",
    "/pub/a\x00",
    "/pub/a\n",
    "/pub/a b",
    "/pub/%",
    "/pub/%4",
    "/pub/%zz",
    "/pub/%u002e",
    "/pub/%252e%252e/admin",
    "/pub/%25%32%65",
    "/%61dmin",
    "/pub/%7Euser",
    "/pub/%c0%af",
    "/pub/%ff",
    "/pub/é",
    "/pub/\ud800",
    "/pub/a#b",
    "/pub/a?b",
    "/" + "a" * MAX_PATH_LENGTH,
]


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_ambiguous_paths_are_refused(path: str) -> None:
    with pytest.raises(Malformed):
        canonical(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/pub",
        "/pub/",
        "/.well-known/jwks.json",
        "/pub/...",
        "/pub/a@b.com/+380:1,(x)'!*$&=~_-",
        "/pub/a%20b%40c%3Ad%2B",
        "/pub/%C3%A9/%e2%82%ac",
        "/pub/100%25",
        "/pub/100%25of",
        "/identityx/y",
        "/api/v2/other/x/",
    ],
)
def test_other_paths_stay_byte_for_byte(path: str) -> None:
    assert canonical(path) == path


@pytest.mark.parametrize("prefix", ["/api/v2/barong", "/api/v2", ""])
@pytest.mark.parametrize("service", ["identity", "resource", "admin"])
@pytest.mark.parametrize(("rest", "kept"), [("", ""), ("/", ""), ("/x/y", "/x/y"), ("/x/", "/x")])
def test_our_services_have_one_path(prefix: str, service: str, rest: str, kept: str) -> None:
    assert canonical(f"{prefix}/{service}{rest}") == f"/api/v2/barong/{service}{kept}"


def test_an_alias_may_not_grow_too_long() -> None:
    with pytest.raises(Malformed):
        canonical("/admin/" + "a" * (MAX_PATH_LENGTH - 8))


@pytest.mark.parametrize("raw", ["/pub?a#b", "/pub?é", "/pub?a b", "/pub?\x00", "/pub?\x7f"])
def test_a_query_is_printable_ascii_without_fragment(raw: str) -> None:
    with pytest.raises(Malformed):
        target(raw)


def test_the_query_is_not_touched() -> None:
    assert target("/admin/?a=%zz&b=/../?|\\%2e") == (
        "/api/v2/barong/admin",
        "a=%zz&b=/../?|\\%2e",
        "",
    )


PIECES = st.sampled_from(
    [*"/./%25aEe;\\:@", "//", "..", "%2e", "%2F", "%5c", "%3A", "%C3%A9", "%61", "admin", "api/v2"]
)
PATHS = st.one_of(st.lists(PIECES, max_size=12).map(lambda parts: "/" + "".join(parts)), st.text())


@given(PATHS)
@example("/identity/")
@example("/api/v2/barong/api/v2/identity/")
def test_a_canonical_path_is_its_own_and_has_one_reading(path: str) -> None:
    try:
        once = canonical(path)
    except Malformed:
        return
    assert canonical(once) == once
    decoded = unquote(once)
    assert not re.search(r"[\x00-\x1f\x7f\\]|//|/\.\.?(/|$)", decoded)
    assert decoded.count("/") == once.count("/")
    assert URL(f"http://upstream{once}", encoded=True).raw_path_qs == once


@given(PATHS, st.sampled_from(["admin", "a:b", "é"]))
def test_no_encoding_hides_a_segment_from_rules(path: str, guarded: str) -> None:
    """Rules match every form that a decoding upstream reads as the guarded segment."""
    try:
        path = canonical(path)
    except Malformed:
        return
    read_by_upstream = [part for part in unquote(path).split("/") if part]
    assert (guarded in read_by_upstream) == (guarded in segments(path))


RAW_PIECES = st.sampled_from([*"/./;:@", "//", "..", "%2e", "%2F", "%2f", "%5c", "%3A", "admin"])


@given(st.lists(RAW_PIECES, max_size=12).map(lambda parts: "/" + "".join(parts)))
@example("/x//admin")
@example("/x%2Fadmin")
@example("/x/admin;v=1")
@example("/x%2f..;%2Fadmin")
def test_a_raw_path_hides_no_segment_from_rules(path: str) -> None:
    """Whether or not the upstream decodes `%2F` to a slash and removes path parameters."""
    try:
        read = raw_reading(path)
    except Malformed:
        return
    assert canonical(read) == read
    for received in (path, unquote(path)):
        parts = received.split("/")
        for seen in (parts, [part.partition(";")[0] for part in parts]):
            assert not {".", "..", "\\"}.intersection(map(unquote, seen))
            if "admin" in seen:
                assert "admin" in segments(read)


@pytest.mark.parametrize(
    ("rule", "read"),
    [("files/a%2Fb", ["files", "a", "b"]), ("files/a;x/b", ["files", "a", "b"])],
)
def test_rules_are_read_as_raw_paths_are(rule: str, read: list[str]) -> None:
    assert segments(rule) == read
