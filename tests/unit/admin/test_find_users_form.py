"""The parameters with which users are looked for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from admin_svc.directory.models import UserFilter
from admin_svc.directory.schemas import FindUsersForm
from shared.declared import Faults, load

FROM, TO = datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
SPAN = {"from": str(int(FROM.timestamp())), "to": str(int(TO.timestamp()))}


def wanted(**parameters: Any) -> UserFilter:
    return load(FindUsersForm, parameters).wanted


def codes(**parameters: Any) -> list[str]:
    with pytest.raises(Faults) as raised:
        load(FindUsersForm, parameters)
    return [code for codes in raised.value.by_key.values() for code in codes]


def test_nothing_asked_is_everyone() -> None:
    assert wanted() == UserFilter()


def test_what_is_asked_is_looked_for() -> None:
    asked = {"uid": " ID1 ", "email": "a@b.com", "role": "member", "level": "2", "state": "active"}

    assert wanted(**asked) == UserFilter(
        uid="ID1", email="a@b.com", role="member", level=2, state="active"
    )


def test_blank_filters_are_none() -> None:
    blank = dict.fromkeys(("uid", "email", "role", "level", "state", "from", "to"), " ")

    assert wanted(**blank, extended="") == UserFilter()


def test_a_span_is_about_the_creation_unless_said() -> None:
    created = UserFilter(created_from=FROM, created_to=TO)

    assert wanted(**SPAN) == wanted(**SPAN, range="created") == created
    assert wanted(**SPAN, range="updated") == UserFilter(updated_from=FROM, updated_to=TO)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"extended": "foo"}, ["admin.user.non_boolean_extended"]),
        ({"level": "abc"}, ["invalid"]),
        ({"level": "1.5"}, ["invalid"]),
        ({"from": "abc"}, ["invalid"]),
        ({"to": "1e9"}, ["invalid"]),
        ({"to": str(10**15)}, ["invalid"]),
        ({"range": "deleted"}, ["admin.user.invalid_range"]),
        ({"range": ""}, ["admin.user.invalid_range"]),
        ({"range": ["created"]}, ["admin.user.invalid_range"]),
        ({"uid": ["ID1"]}, ["invalid"]),
    ],
)
def test_faults(parameters: dict[str, Any], expected: list[str]) -> None:
    assert codes(**parameters) == expected


def test_faults_come_in_the_order_of_the_parameters() -> None:
    assert codes(limit="0", page="x", range="y", level="z", extended="w") == [
        "admin.user.non_boolean_extended",
        "invalid",
        "admin.user.invalid_range",
        "non_integer_page",
        "non_positive_page",
        "invalid_limit",
    ]
