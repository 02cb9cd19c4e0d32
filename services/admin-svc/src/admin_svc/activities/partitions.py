"""Partitions of the table of activities, one for each month."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry, Gauge

from admin_svc.activities import store
from admin_svc.activities.models import Month
from shared.database.pool import Database

log = structlog.get_logger()

AHEAD = 3
"""The number of months to come that have a partition; an admin-svc that runs makes them."""

_MAKE_SECONDS = 3600.0
_LOOK_SECONDS = 5.0


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Partitions:
    """Makes and drops partitions; writers and readers wait for a moment at most."""

    database: Database
    now: Callable[[], datetime] = _now

    async def run(self) -> None:
        """Makes the partitions that will be needed, now and every hour."""
        while True:
            await self.make_ahead()
            await asyncio.sleep(_MAKE_SECONDS)

    async def make_ahead(self) -> list[Month]:
        """Makes the partitions of this month and the next ones; returns those that were missing."""
        current = Month.of(self.now())
        wanted = [current.plus(months) for months in range(AHEAD + 1)]
        return [month for month in wanted if await self.make(month)]

    async def make(self, month: Month) -> bool:
        """Makes the partition of one month; returns False where there was one.

        Raises `Unavailable` when others keep the table locked.
        """
        async with self.database.transaction() as connection:
            made = await store.make_partition(connection, month)
        if made:
            log.info("partition_made", partition=month.partition)
        return made

    async def drop_old(self, keep_months: int) -> list[Month]:
        """Drops months older than this one and the `keep_months` before it; returns them.

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


class PartitionsAhead:
    """The metric `activity_partitions_ahead`, read from the table, whoever makes partitions."""

    def __init__(self, database: Database, registry: CollectorRegistry) -> None:
        self._database = database
        self._months: Sequence[Month] | None = None
        Gauge(
            "activity_partitions_ahead",
            "Months to come, without a gap, that have a partition; NaN before the first look.",
            registry=registry,
        ).set_function(
            lambda: (
                math.nan
                if self._months is None
                else ahead(self._months, Month.of(datetime.now(UTC)))
            )
        )

    async def run(self) -> None:
        """Reads the table every five seconds; raises `Unavailable`."""
        while True:
            async with self._database.connection() as connection:
                self._months = await store.partitioned_months(connection)
            await asyncio.sleep(_LOOK_SECONDS)


def ahead(months: Sequence[Month], current: Month) -> int:
    """The number of months after `current` before the first that is missing."""
    count = 0
    while current.plus(count + 1) in months:
        count += 1
    return count
