"""Erases users who deleted their accounts."""

import asyncio
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter

from identity_svc.core import Core
from identity_svc.erasure.events import user_erased
from identity_svc.erasure.models import NotErasable
from identity_svc.importing.use_cases import UserImport
from identity_svc.users.use_cases import Users
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox

log = structlog.get_logger()

LONGEST_CALL = timedelta(hours=1)
"""Calls that were under way when a user was deleted have ended by then: none writes later."""

_SECONDS = 600


class Erasure:
    """Any number of processes may erase at the same time; each user is erased by one.

    The user's address is free again then. Other users keep them as their referral, by uid.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        users: Users,
        delay: timedelta,
        registry: CollectorRegistry,
    ) -> None:
        """`delay` is how long after the deletion a user is erased without a command."""
        self._database = database
        self._outbox = outbox
        self._users = users
        self._delay = delay
        self._erased = Counter("users_erased", "Users erased.", registry=registry)

    async def run(self) -> None:
        """Erases now and every ten minutes; raises `Unavailable`."""
        while True:
            await self.erase_due()
            await asyncio.sleep(_SECONDS)

    async def erase_due(self) -> int:
        """Erases everybody whose time has come, in a transaction each; returns how many."""
        count = 0
        while await self._erase_next():
            count += 1
        return count

    async def erase(self, uid: str) -> None:
        """Erases a deleted user because an operator says so; raises `NotErasable`."""
        async with self._database.transaction() as connection:
            if not await self._users.lock_deleted(connection, uid, LONGEST_CALL):
                raise NotErasable
            await self._erase_within(connection, uid)

    async def _erase_next(self) -> bool:
        async with self._database.transaction() as connection:
            uid = await self._users.find_due_for_erasure(connection, self._delay)
            if uid is None:
                return False
            await self._erase_within(connection, uid)
        self._erased.inc()
        log.info("user_erased", uid=uid)
        return True

    async def _erase_within(self, connection: Connection, uid: str) -> None:
        """Erases a locked user, with the event on which the other services do the same."""
        await self._users.erase(connection, uid)
        await UserImport.forget(connection, uid)
        await self._outbox.forget(connection, uid)
        await self._outbox.add(connection, user_erased(uid))


def build(core: Core, users: Users) -> Erasure:
    """The erasure of this installation."""
    delay = timedelta(days=core.settings.erasure_days)
    return Erasure(core.database, core.outbox, users, delay, core.registry)
