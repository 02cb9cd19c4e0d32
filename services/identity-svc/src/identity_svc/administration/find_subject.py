"""Finds a user whom an administrator is about to change at another service."""

from dataclasses import dataclass

from identity_svc.administration.authority import Authority
from shared.contracts.administration import Administrator
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class FindSubject:
    """The same rule as for changes that are made here."""

    database: Database
    authority: Authority

    async def __call__(self, by: Administrator, uid: str) -> User:
        """The user as they are now; raises what `Authority.lock_subject` raises."""
        async with self.database.transaction() as connection:
            return await self.authority.lock_subject(connection, by, uid)
