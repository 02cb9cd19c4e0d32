"""Lists a user's phones."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.phones import store
from resource_svc.phones.phone import Phone
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListPhones:
    """All phones of a user, verified or not, the oldest first."""

    database: Database

    async def __call__(self, uid: str) -> Sequence[Phone]:
        """None at all for a user that nobody knows."""
        async with self.database.connection() as connection:
            return await store.phones_of(connection, uid)
