"""How many months to come have a partition of the table of activities."""

import asyncio
import math
from collections.abc import Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Gauge

from shared.database.partitions import Month, MonthlyPartitions

TABLE = "activities"

_POLL_SECONDS = 5.0


class PartitionsAhead:
    """The metric `activity_partitions_ahead`, read from the table, whoever makes partitions."""

    def __init__(self, partitions: MonthlyPartitions, registry: CollectorRegistry) -> None:
        self._partitions = partitions
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
            self._months = await self._partitions.months()
            await asyncio.sleep(_POLL_SECONDS)


def ahead(months: Sequence[Month], current: Month) -> int:
    """The number of months after `current` before the first that is missing."""
    count = 0
    while current.plus(count + 1) in months:
        count += 1
    return count
