"""Subscribe to the signed events of Barong."""

from barong_events.errors import (
    HandlersHangError,
    KeysUnavailableError,
    UntrustedEventError,
    WaitError,
)
from barong_events.keys import FixedKeys, KeySet
from barong_events.known_ids import KnownIds, MemoryIds, PostgresIds
from barong_events.records import RECORDS
from barong_events.subscriber import Subscriber
from barong_events.verifier import Event, Verifier

__all__ = [
    "RECORDS",
    "Event",
    "FixedKeys",
    "HandlersHangError",
    "KeySet",
    "KeysUnavailableError",
    "KnownIds",
    "MemoryIds",
    "PostgresIds",
    "Subscriber",
    "UntrustedEventError",
    "Verifier",
    "WaitError",
]
