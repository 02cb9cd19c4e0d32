"""The events of restrictions."""

from admin_svc.restrictions.models import StoredRestriction
from admin_svc.restrictions.schemas import restriction_to_public
from shared.contracts.events import Event, Record


def restriction_event(
    restriction: StoredRestriction, happened: str, changes: Record | None = None
) -> Event:
    """`model.restriction.<happened>`; `changes` are the old values of what changed."""
    return Event(
        name=f"model.restriction.{happened}",
        record=restriction_to_public(restriction),
        changes=changes,
    )
