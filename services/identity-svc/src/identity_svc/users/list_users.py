"""Tells another service of all users, page by page."""

from collections.abc import Sequence
from dataclasses import dataclass

from identity_svc.users import store
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListUsers:
    """Users as they are now, in the order of their uids."""

    database: Database

    async def __call__(self, after: str, limit: int) -> Sequence[User]:
        """At most `limit` users whose uids come after `after`, which nobody need have."""
        async with self.database.connection() as connection:
            return await store.users_after(connection, after, limit)
