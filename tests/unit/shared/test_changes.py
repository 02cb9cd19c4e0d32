"""What answers tell gateways that they changed."""

from typing import Any

import pytest

from shared.contracts.changes import (
    EVERYTHING,
    begin_noting,
    changes_of,
    listed,
    note,
    noted,
    uid_of,
)
from shared.contracts.events import Event

USER = {"uid": "ID1", "email": "one@barong.io"}


@pytest.mark.parametrize(
    ("name", "record", "changes"),
    [
        ("model.user.updated", USER, ("user:ID1",)),
        ("model.user.created", USER, ()),
        ("model.label.created", {"user": USER}, ()),
        ("model.api_key.deleted", {"user": USER, "kid": "k"}, ("user:ID1",)),
        ("system.session.revoked", {"user": USER, "sid": None}, ("user:ID1",)),
        ("system.session.create", {"user": USER}, ()),
        ("system.user.password.reset", {"user": USER}, ("user:ID1",)),
        ("model.permission.updated", {"path": "x"}, ("policy",)),
        ("model.restriction.deleted", {"value": "x"}, ("policy",)),
        ("model.user.updated", {"uid": "a, policy"}, (EVERYTHING,)),
        ("model.user.updated", {"uid": "a\r\nX: y"}, (EVERYTHING,)),
        ("model.user.updated", {}, (EVERYTHING,)),
    ],
)
def test_what_an_event_makes_outdated(
    name: str, record: dict[str, Any], changes: tuple[str, ...]
) -> None:
    assert changes_of(Event(name=name, record=record)) == changes


def test_each_subject_is_told_once_and_no_more_than_fit() -> None:
    begin_noting()
    note(["user:ID1"])
    note(listed("user:ID1,policy , "))
    assert noted() == "user:ID1, policy"
    note(f"user:{number}" for number in range(100))
    assert noted() == EVERYTHING
    begin_noting()
    assert noted() == ""


def test_only_a_user_has_a_uid() -> None:
    assert [uid_of(subject) for subject in ("user:ID1", "policy", "user")] == ["ID1", None, None]
