"""A permission as it is shown and told of."""

from datetime import UTC, datetime

from admin_svc.permissions.record import PermissionRecord
from shared.contracts.policy import Permission

MADE = datetime(2026, 11, 22, 10, 9, 24, 120_999, tzinfo=UTC)
CHANGED = datetime(2026, 11, 22, 10, 9, 25, tzinfo=UTC)


def a_record(topic: str | None = None) -> PermissionRecord:
    rule = Permission("superadmin", "GET", "api/v2/ranger", "ACCEPT", topic)
    return PermissionRecord(4, rule, MADE, CHANGED)


def test_it_is_shown_as_barong_shows_it() -> None:
    shown = a_record().shown()

    assert shown == {
        "id": 4,
        "action": "ACCEPT",
        "role": "superadmin",
        "verb": "GET",
        "path": "api/v2/ranger",
        "topic": None,
        "created_at": "2026-11-22T10:09:24.120Z",
        "updated_at": "2026-11-22T10:09:25.000Z",
    }


def test_an_event_drops_nulls_and_tells_what_was_replaced() -> None:
    event = a_record().event("updated", {"topic": "x"})

    assert event.name == "model.permission.updated"
    assert event.record == {k: v for k, v in a_record().shown().items() if k != "topic"}
    assert event.changes == {"topic": "x"}
    assert a_record("topic").event("deleted").record["topic"] == "topic"
