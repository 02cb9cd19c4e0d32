"""Finding users."""

from dataclasses import dataclass

from admin_svc.directory import store
from admin_svc.directory.filter import UserFilter
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class FindUsers:
    """Finds users in the directory."""

    database: Database

    async def __call__(self, wanted: UserFilter, limit: int, offset: int) -> tuple[list[User], int]:
        """One page of those wanted, in the order of `select_users`, and how many they are."""
        async with self.database.connection() as connection:
            page = await store.select_users(connection, wanted, limit, offset)
            return page, await store.count_users(connection, wanted)
