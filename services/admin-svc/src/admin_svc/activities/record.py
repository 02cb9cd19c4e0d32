"""Records an activity."""

import uuid
from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter

from admin_svc.activities import store
from admin_svc.activities.months import Month
from admin_svc.activities.partitions import KeepPartitions
from admin_svc.metrics.count_activity import count_activity
from admin_svc.metrics.rules import metric_of
from shared.contracts.activities import Activity
from shared.contracts.events import ReceivedEvent
from shared.database.pool import Database


def stored_counter(registry: CollectorRegistry) -> Counter:
    """How many activities were recorded; `known` are those that were told again."""
    return Counter(
        "activities_stored", "Activities recorded.", ("category", "outcome"), registry=registry
    )


@dataclass(frozen=True, slots=True)
class RecordActivity:
    """Activities that are told of again change nothing, in whatever order they are told."""

    database: Database
    partitions: KeepPartitions
    stored: Counter = field(repr=False)

    async def __call__(self, *activities: Activity) -> None:
        """Returns when all are kept; raises `Unavailable`."""
        try:
            new = await self._insert(activities)
        except store.NoPartition:  # a month that was dropped, or whose time nobody foresaw
            for month in {Month.of(activity.created_at) for activity in activities}:
                await self.partitions.make(month)
            new = await self._insert(activities)
        for activity in activities:
            outcome = "new" if activity.id in new else "known"
            self.stored.labels(activity.category, outcome).inc()

    async def heard(self, event: ReceivedEvent) -> None:
        """The same for an event; raises KeyError, TypeError or ValueError besides."""
        await self(Activity.of(event.record))

    async def audited(self, event: ReceivedEvent) -> None:
        """The same for the activities of an audit."""
        await self(*map(Activity.of, event.record["activities"]))

    async def _insert(self, activities: Sequence[Activity]) -> Container[uuid.UUID]:
        """Those that were not kept already."""
        counted = any(metric_of(activity) is not None for activity in activities)
        unit = self.database.transaction() if counted else self.database.connection()
        async with unit as connection:
            new = await store.insert_activities(connection, activities)
            for activity in activities:
                if activity.id in new:
                    await count_activity(connection, activity)
        return new
