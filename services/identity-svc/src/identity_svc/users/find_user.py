"""Tells another service of a user."""

from dataclasses import dataclass

from identity_svc.users import store
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class FindUser:
    """The user as he is now."""

    database: Database

    async def __call__(self, uid: str) -> User:
        """Raises `UserNotFound`."""
        async with self.database.connection() as connection:
            return await store.user_by_uid(connection, uid)
