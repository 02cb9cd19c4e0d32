"""The event of an erasure."""

from shared.contracts.catalogue import USER_ERASED
from shared.contracts.events import Event
from shared.contracts.records import ErasedRecord


def user_erased(uid: str) -> Event:
    """Every service is to delete what it holds of this user."""
    return USER_ERASED.event(ErasedRecord(uid=uid))
