"""A restriction as answers and events show it."""

from datetime import UTC, datetime

from admin_svc.policy.models import StoredRule
from admin_svc.restrictions.events import restriction_event
from admin_svc.restrictions.models import terms
from admin_svc.restrictions.schemas import restriction_to_public

MADE = datetime(2026, 11, 22, 10, 9, 25, 120_999, tzinfo=UTC)
CHANGED = datetime(2026, 11, 22, 10, 9, 26, tzinfo=UTC)
RECORD = StoredRule(
    1, terms(category="whitelist", scope="country", value="UA", state="disabled"), MADE, CHANGED
)


def test_it_is_shown_as_barong_shows_it() -> None:
    shown = restriction_to_public(RECORD)

    assert list(shown.items()) == [
        ("id", 1),
        ("category", "whitelist"),
        ("scope", "country"),
        ("value", "UA"),
        ("code", 423),
        ("state", "disabled"),
        ("created_at", "2026-11-22T10:09:25.120Z"),
        ("updated_at", "2026-11-22T10:09:26.000Z"),
    ]


def test_an_event_tells_what_is_shown_and_what_was_replaced() -> None:
    event = restriction_event(RECORD, "updated", {"state": "enabled"})

    assert event.name == "model.restriction.updated"
    assert event.record == restriction_to_public(RECORD)
    assert event.changes == {"state": "enabled"}
    assert restriction_event(RECORD, "deleted").changes is None
