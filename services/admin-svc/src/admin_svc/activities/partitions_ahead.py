"""For how many months to come there are partitions, as operators are told."""

import asyncio
import math
from collections.abc import Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge

from admin_svc.activities import store
from admin_svc.activities.months import Month
from shared.database.pool import Database

_SECONDS = 5.0


class PartitionsAhead:
    """Looks at the table itself, whoever makes its partitions."""

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
        """Looks again and again; raises `Unavailable`."""
        while True:
            async with self._database.connection() as connection:
                self._months = await store.partitioned_months(connection)
            await asyncio.sleep(_SECONDS)


def ahead(months: Sequence[Month], current: Month) -> int:
    """How many of the months after `current` there are before the first that is missing."""
    count = 0
    while current.plus(count + 1) in months:
        count += 1
    return count
