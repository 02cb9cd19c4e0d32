"""The events of restrictions."""

from admin_svc.restrictions.models import StoredRestriction
from admin_svc.restrictions.schemas import restriction_to_public
from shared.contracts.catalogue import RESTRICTIONS
from shared.contracts.events import Event, Record
from shared.contracts.records import RestrictionRecord


def restriction_event(
    restriction: StoredRestriction, happened: str, changes: Record | None = None
) -> Event:
    """`model.restriction.<happened>`; `changes` are the old values of what changed."""
    record = RestrictionRecord(**restriction_to_public(restriction))
    return RESTRICTIONS[happened].event(record, changes=changes)
