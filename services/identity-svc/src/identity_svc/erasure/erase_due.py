"""Erases the users whose time has come."""

import asyncio
from datetime import timedelta

import structlog
from prometheus_client import CollectorRegistry, Counter

from identity_svc.erasure import store
from identity_svc.erasure.erase_user import EraseUser
from shared.database.pool import Database

log = structlog.get_logger()

_SECONDS = 600


class EraseDue:
    """Any number of processes may erase at the same time; each user is erased by one."""

    def __init__(
        self,
        database: Database,
        erase_user: EraseUser,
        delay: timedelta,
        registry: CollectorRegistry,
    ) -> None:
        self._database = database
        self._erase_user = erase_user
        self._delay = delay
        self._erased = Counter("users_erased", "Users erased.", registry=registry)

    async def run(self) -> None:
        """Erases now and every ten minutes; raises `Unavailable`."""
        while True:
            await self()
            await asyncio.sleep(_SECONDS)

    async def __call__(self) -> int:
        """How many users were erased, one transaction each."""
        count = 0
        while await self._next():
            count += 1
        return count

    async def _next(self) -> bool:
        async with self._database.transaction() as connection:
            uid = await store.lock_due(connection, self._delay)
            if uid is None:
                return False
            await self._erase_user.within(connection, uid)
        self._erased.inc()
        log.info("user_erased", uid=uid)
        return True
