"""A permission as answers and events show it."""

from datetime import UTC, datetime

from admin_svc.permissions.events import permission_event
from admin_svc.permissions.models import StoredPermission
from admin_svc.permissions.schemas import permission_to_public
from admin_svc.policy.models import StoredRule
from shared.contracts.policy import Permission

MADE = datetime(2026, 11, 22, 10, 9, 24, 120_999, tzinfo=UTC)
CHANGED = datetime(2026, 11, 22, 10, 9, 25, tzinfo=UTC)


def a_record(topic: str | None = None) -> StoredPermission:
    rule = Permission("superadmin", "GET", "api/v2/ranger", "ACCEPT", topic)
    return StoredRule(4, rule, MADE, CHANGED)


def test_it_is_shown_as_barong_shows_it() -> None:
    shown = permission_to_public(a_record())

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
    event = permission_event(a_record(), "updated", {"topic": "x"})

    assert event.name == "model.permission.updated"
    assert event.record == {
        k: v for k, v in permission_to_public(a_record()).items() if k != "topic"
    }
    assert event.changes == {"topic": "x"}
    assert permission_event(a_record("topic"), "deleted").record["topic"] == "topic"
