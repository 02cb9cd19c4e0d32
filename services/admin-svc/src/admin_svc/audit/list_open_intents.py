"""Listing changes of which nobody knows what came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from admin_svc.audit import store
from admin_svc.audit.chain import Entry
from shared.database.pool import Database

_LONGEST_CALL = timedelta(minutes=1)
_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class ListOpenIntents:
    """Intents without an outcome, or with one that is not known; what is under way is no news."""

    database: Database

    async def __call__(self) -> Sequence[Entry]:
        """The oldest first, at most a thousand."""
        async with self.database.connection() as connection:
            return await store.open_intents(connection, datetime.now(UTC) - _LONGEST_CALL, _LIMIT)
