"""The event of an erasure."""

from shared.contracts.catalogue import USER_ERASED
from shared.contracts.events import Event
from shared.contracts.records import ErasedRecord


def user_erased(uid: str) -> Event:
    """The event on which every service deletes what it stores about this user."""
    return USER_ERASED.event(ErasedRecord(uid=uid))
