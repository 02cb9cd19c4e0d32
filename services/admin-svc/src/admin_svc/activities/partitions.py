"""Keeps a partition for each month there is, and for those to come."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from admin_svc.activities import store
from admin_svc.activities.months import Month
from shared.database.pool import Database

log = structlog.get_logger()

AHEAD = 3
"""How many months to come have a partition: an admin-svc that runs makes them in time."""

_SECONDS = 3600.0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class KeepPartitions:
    """Makes and drops partitions; whoever writes and reads meanwhile waits for a moment at most."""

    database: Database
    now: Callable[[], datetime] = _now

    async def run(self) -> None:
        """Makes what will be needed, now and every hour."""
        while True:
            await self.make_ahead()
            await asyncio.sleep(_SECONDS)

    async def make_ahead(self) -> list[Month]:
        """Makes the partitions of this month and the next ones; those that were missing."""
        current = Month.of(self.now())
        wanted = [current.plus(months) for months in range(AHEAD + 1)]
        return [month for month in wanted if await self.make(month)]

    async def make(self, month: Month) -> bool:
        """Makes the partition of one month; False where there was one.

        Raises `Unavailable` when others keep the table locked.
        """
        async with self.database.transaction() as connection:
            made = await store.make_partition(connection, month)
        if made:
            log.info("partition_made", partition=month.partition)
        return made

    async def drop_old(self, keep_months: int) -> list[Month]:
        """Drops what is older than this month and the `keep_months` before it; what was dropped.

        Raises `Unavailable` when others keep the table locked.
        """
        oldest = Month.of(self.now()).plus(-keep_months)
        async with self.database.connection() as connection:
            months = await store.partitioned_months(connection)
        dropped = [month for month in months if month < oldest]
        for month in dropped:
            async with self.database.transaction() as connection:
                await store.drop_partition(connection, month)
            log.info("partition_dropped", partition=month.partition)
        return dropped
