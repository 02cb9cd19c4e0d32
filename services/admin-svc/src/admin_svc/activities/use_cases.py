"""Recording, finding, counting and erasing activities."""

import uuid
from collections.abc import AsyncIterator, Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from prometheus_client import Counter

from admin_svc.activities import store
from admin_svc.activities.models import (
    FIRST,
    ActivityFilter,
    FoundActivity,
    FoundPage,
    PageTooDeep,
    Position,
    metric_of,
)
from admin_svc.activities.partitions import TABLE
from admin_svc.core import Core
from admin_svc.directory.use_cases import Directory
from shared.contracts.activities import Activity, StoredActivity
from shared.contracts.events import ReceivedEvent
from shared.database.partitions import Month, MonthlyPartitions, NoPartition
from shared.database.planning import plan_each_query
from shared.database.pool import Database
from shared.values.totals import Total

EXACT = 20_000
"""The largest number of activities that is counted; of a larger number only this bound is known."""

DEEPEST = 1_000_000
"""The deepest offset of a page; cursors reach farther, and cost the same everywhere."""

BATCH = 1000
"""The number of activities in memory at a time, and in one transaction of an erasure.

A transaction of that many takes some hundredths of a second.
"""


@dataclass(frozen=True, slots=True)
class Activities:
    """The audit log: what users and administrators did and were refused."""

    database: Database
    directory: Directory
    partitions: MonthlyPartitions
    stored: Counter = field(repr=False)
    exact: int = EXACT
    deepest: int = DEEPEST

    async def record(self, *activities: Activity) -> None:
        """Stores activities, in any order; repeated ones change nothing.

        Returns when all are stored; raises `Unavailable`.
        """
        try:
            new = await self._insert(activities)
        except NoPartition:  # a month that was dropped, or that nobody foresaw
            for month in {Month.of(activity.created_at) for activity in activities}:
                await self.partitions.make(month)
            new = await self._insert(activities)
        for activity in activities:
            outcome = "new" if activity.id in new else "known"
            self.stored.labels(activity.category, outcome).inc()

    async def record_event(self, event: ReceivedEvent) -> None:
        """The reaction to `system.activity.recorded`.

        Raises `Unavailable`; KeyError, TypeError or ValueError for an incomplete event.
        """
        await self.record(Activity.of(event.record))

    async def record_audit(self, event: ReceivedEvent) -> None:
        """The reaction to an audit of a gateway, which has several activities; raises the same."""
        await self.record(*map(Activity.of, event.record["activities"]))

    async def list_page(
        self, wanted: ActivityFilter, email: str | None, limit: int, offset: int
    ) -> FoundPage:
        """One page of activities, the newest first; raises `PageTooDeep`.

        With `email`, only activities of users who have this e-mail.
        """
        if offset > self.deepest:
            raise PageTooDeep
        wanted = await self._by_email(wanted, email)
        async with self.database.transaction() as connection:
            await plan_each_query(connection)
            number = await store.count_activities(connection, wanted, self.exact + 1)
            total = Total(min(number, self.exact), exact=number <= self.exact)
            if total.exact and offset >= total.number:
                return FoundPage([], total, goes_on=False)
            # One more shows whether another page follows.
            page = await store.select_activities(connection, wanted, limit + 1, offset=offset)
        return FoundPage(
            await self._with_users(page[:limit]),
            total,
            goes_on=len(page) > limit and offset + limit <= self.deepest,
        )

    async def list_after(
        self, wanted: ActivityFilter, email: str | None, limit: int, position: Position | None
    ) -> list[FoundActivity]:
        """The activities after a place in the list, or the first ones."""
        wanted = await self._by_email(wanted, email)
        async with self.database.transaction() as connection:
            await plan_each_query(connection)
            page = await store.select_activities(connection, wanted, limit, behind=position)
        return await self._with_users(page)

    async def list_batches(
        self, wanted: ActivityFilter, email: str | None
    ) -> AsyncIterator[list[FoundActivity]]:
        """All activities in batches; no transaction stays open between two of them.

        A slow reader holds neither a connection nor old rows.
        """
        position: Position | None = None
        while batch := await self.list_after(wanted, email, BATCH, position):
            yield batch
            if len(batch) < BATCH:
                return
            position = batch[-1].position

    async def count_actions(
        self, start: datetime, end: datetime, topics: Iterable[str]
    ) -> list[tuple[tuple[str, str, str], int]]:
        """The number of users' actions of these topics from `start` on and before `end`.

        They are counted by topic, action and result, from an index alone; a span is about a day.
        """
        async with self.database.connection() as connection:
            return await store.count_actions(connection, start, end, topics)

    async def list_daily_counts(self, first: date, last: date) -> list[tuple[date, str, int]]:
        """Day, metric and number of each count of these days, in order."""
        async with self.database.connection() as connection:
            return await store.select_daily_counts(connection, first, last)

    async def erase(self, uid: str) -> None:
        """Removes personal data from a user's activities, and from those that concern the user.

        It takes many short transactions, however many activities there are. Readers do not wait;
        writers wait at its beginning, until others finish. A crash leaves what was erased; the
        next call passes over that quickly. The user has to be marked as erased before, so that
        activities recorded from then on are stored without personal data. Raises `Unavailable`.
        """
        async with self.database.transaction() as connection:
            await store.wait_for_writers(connection)
        for walk in store.WALKS:
            position: Position | None = FIRST
            while position is not None:
                position = await self.erase_batch(walk, uid, position)

    async def erase_batch(self, walk: store.Walk, uid: str, position: Position) -> Position | None:
        """Erases the next batch of a walk; returns the place to resume at, None at its end."""
        async with self.database.transaction() as connection:
            return await store.erase_some(connection, walk, uid, position, BATCH)

    async def _insert(self, activities: Sequence[Activity]) -> Container[uuid.UUID]:
        """Stores activities, and counts them in the same transaction; returns the new ones' ids."""
        counted = any(metric_of(activity) is not None for activity in activities)
        unit = self.database.transaction() if counted else self.database.connection()
        async with unit as connection:
            new = await store.insert_activities(connection, activities)
            for activity in activities:
                metric = metric_of(activity)
                if activity.id in new and metric is not None:
                    day = activity.created_at.astimezone(UTC).date()
                    await store.increment_daily_count(connection, day, metric)
        return new

    async def _by_email(self, wanted: ActivityFilter, email: str | None) -> ActivityFilter:
        """The filter, limited to users who have this e-mail."""
        if email is None:
            return wanted
        uids = await self.directory.uids_by_email(email)
        if wanted.uids is not None:
            uids = [uid for uid in uids if uid in wanted.uids]
        return replace(wanted, uids=uids)

    async def _with_users(self, activities: Sequence[StoredActivity]) -> list[FoundActivity]:
        uids = {activity.uid for activity in activities}
        uids |= {activity.target_uid for activity in activities if activity.target_uid}
        users = await self.directory.users_by_uid(uids)
        return [
            FoundActivity(activity, users.get(activity.uid), users.get(activity.target_uid or ""))
            for activity in activities
        ]


def build(core: Core, directory: Directory) -> Activities:
    """Wires the feature."""
    stored = Counter(
        "activities_stored",
        "Activities recorded.",
        ("category", "outcome"),
        registry=core.registry,
    )
    return Activities(core.database, directory, MonthlyPartitions(core.database, TABLE), stored)
