"""Looking up users, for rooms that show them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from admin_svc.directory import store
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class LookUpUsers:
    """Looks up users in the directory."""

    database: Database

    async def __call__(self, uids: Collection[str]) -> Mapping[str, User]:
        """Those of these users that the directory knows, by their uids."""
        async with self.database.connection() as connection:
            return {user.uid: user for user in await store.users_by_uid(connection, uids)}

    async def uids_by_email(self, email: str) -> list[str]:
        """Who has this e-mail, in whatever case."""
        async with self.database.connection() as connection:
            return await store.uids_by_email(connection, email)
