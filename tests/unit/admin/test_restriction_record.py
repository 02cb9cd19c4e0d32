"""A restriction as it is shown and told of."""

from datetime import UTC, datetime

from admin_svc.restrictions.record import RestrictionRecord
from admin_svc.restrictions.rules import terms

MADE = datetime(2026, 11, 22, 10, 9, 25, 120_999, tzinfo=UTC)
CHANGED = datetime(2026, 11, 22, 10, 9, 26, tzinfo=UTC)
RECORD = RestrictionRecord(
    1, terms(category="whitelist", scope="country", value="UA", state="disabled"), MADE, CHANGED
)


def test_it_is_shown_as_barong_shows_it() -> None:
    shown = RECORD.shown()

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
    event = RECORD.event("updated", {"state": "enabled"})

    assert event.name == "model.restriction.updated"
    assert event.record == RECORD.shown()
    assert event.changes == {"state": "enabled"}
    assert RECORD.event("deleted").changes is None
