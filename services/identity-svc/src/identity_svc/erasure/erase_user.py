"""Erases a user."""

from dataclasses import dataclass
from datetime import timedelta

from identity_svc.erasure import store
from identity_svc.erasure.errors import NotErasable
from identity_svc.erasure.events import user_erased
from identity_svc.importing.store import forget_user
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox

LONGEST_CALL = timedelta(hours=1)
"""Calls that were under way when a user was deleted have ended then: nothing is written after."""


@dataclass(frozen=True, slots=True)
class EraseUser:
    """In one transaction, with the event on which the other services do the same.

    His address is free again then. Other users go on naming him as their referral, by his uid.
    """

    database: Database
    outbox: Outbox

    async def __call__(self, uid: str) -> None:
        """Erases a deleted user because an operator says so; raises `NotErasable`."""
        async with self.database.transaction() as connection:
            if not await store.lock_deleted(connection, uid, LONGEST_CALL):
                raise NotErasable
            await self.within(connection, uid)

    async def within(self, connection: Connection, uid: str) -> None:
        """The same for a locked user whose time has come."""
        await store.erase(connection, uid)
        await forget_user(connection, uid)
        await self.outbox.forget(connection, uid)
        await self.outbox.add(connection, user_erased(uid))
