"""Gives a user another role."""

from dataclasses import dataclass

from identity_svc.administration import store
from identity_svc.administration.lock_subject import LockSubject
from identity_svc.standing.superadmins import demand_another
from identity_svc.users.events import user_updated
from shared.contracts.administration import Administrator, ChangedUser
from shared.database.pool import Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class ChangeRole:
    """Which roles exist is admin-svc's to know."""

    database: Database
    outbox: Outbox
    lock_subject: LockSubject

    async def __call__(self, by: Administrator, uid: str, role: str) -> ChangedUser:
        """Raises `LastSuperadmin`, or what `LockSubject` raises."""
        async with self.database.transaction() as connection:
            before = await self.lock_subject(connection, by, uid, role)
            if role == before.role:
                return ChangedUser(before, before)
            await demand_another(connection, before)
            after = await store.set_role(connection, uid, role)
            await self.outbox.add(connection, user_updated(after, {"role": before.role}))
        return ChangedUser(before, after)
