"""Finds one user."""

from dataclasses import dataclass

from admin_svc.directory import store
from admin_svc.directory.errors import NoSuchUser
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class FindUser:
    """The user with a uid, as the directory knows him."""

    database: Database

    async def __call__(self, uid: str) -> User:
        """Raises `NoSuchUser`."""
        async with self.database.connection() as connection:
            users = await store.users_by_uid(connection, [uid])
        if not users:
            raise NoSuchUser
        return users[0]
