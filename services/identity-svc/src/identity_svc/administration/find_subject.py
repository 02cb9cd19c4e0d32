"""Says whether an administrator may change a user, for a service that has older knowledge."""

from dataclasses import dataclass

from identity_svc.administration.lock_subject import LockSubject
from shared.contracts.administration import Administrator
from shared.contracts.users import User
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class FindSubject:
    """The same rule as for changes that are made here."""

    database: Database
    lock_subject: LockSubject

    async def __call__(self, by: Administrator, uid: str) -> tuple[User, User]:
        """The administrator and the user as they are now; raises what `LockSubject` raises."""
        async with self.database.transaction() as connection:
            return await self.lock_subject.both(connection, by, uid)
