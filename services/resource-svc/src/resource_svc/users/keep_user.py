"""Keeps what identity-svc tells of a user, in whatever order it arrives."""

from dataclasses import dataclass

from resource_svc.users import store
from resource_svc.users.errors import UserErased
from shared.contracts.users import User
from shared.database.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class KeepUser:
    """Stores a user who is newer than the replica; the same or an older one changes nothing."""

    database: Database

    async def __call__(self, user: User) -> User:
        """The newest that is known of this user now; raises `UserErased`."""
        async with self.database.connection() as connection:  # a statement is all that is written
            return await self.within(connection, user)

    async def within(self, connection: Connection, user: User) -> User:
        """The same, as part of a transaction under way."""
        kept = await store.keep_newer(connection, user)
        if kept.erased:
            raise UserErased
        return kept
