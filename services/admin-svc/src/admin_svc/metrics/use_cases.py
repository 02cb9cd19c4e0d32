"""What happened on each day, and in the last hours."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from admin_svc.activities.models import FAILED_LOGINS, METRICS, SIGNUPS, SUCCESSFUL_LOGINS
from admin_svc.activities.use_cases import Activities
from admin_svc.core import Core
from admin_svc.directory.models import UserFilter
from admin_svc.directory.use_cases import Directory
from admin_svc.folding import fold_all, fold_repeatedly
from admin_svc.metrics import store
from admin_svc.metrics.models import (
    HourlyCounts,
    Recent,
    Report,
    Span,
    divided,
    first_recent_day,
    midnight,
)
from shared.database.pool import Database

_USUAL_SPAN = timedelta(days=30)
_DAY = timedelta(days=1)
_PENDING = ("document", "pending")
_TOPICS = {topic for topic, _, _ in METRICS}


@dataclass(frozen=True, slots=True)
class Metrics:
    """Reads whole days from daily counts, some rows a day, and counts parts of days.

    Of months whose activities were dropped there are whole days alone. Recent hours are read from
    counts that triggers keep, and to which `run` adds what the triggers append.
    """

    database: Database
    activities: Activities
    directory: Directory

    async def get(self, start: datetime | None, end: datetime | None) -> Report:
        """What happened from `start` on and before `end`; by default in the last thirty days."""
        end = end or midnight(datetime.now(UTC).date()) + _DAY
        start = start or _a_month_before(end)
        counts: dict[str, dict[str, int]] = {SIGNUPS: {}, SUCCESSFUL_LOGINS: {}, FAILED_LOGINS: {}}
        days, parts = divided(Span(start, end))
        if days is not None:
            for day, metric, number in await self.activities.list_daily_counts(*days):
                counts[metric][day.isoformat()] = number
        for part in parts:
            await self._count(part, counts)
        labels = await self.directory.list_labels()
        return Report(counts, labels.get(_PENDING, 0))

    async def get_recent(self) -> Recent:
        """What happened in each of the last hours and days, and how many users waited."""
        now = datetime.now(UTC)
        async with (
            self.database.connection() as connection,
            # All counts are of one moment: those who wait now, and what changed until now.
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            waiting = await self.directory.exact_total(connection, UserFilter(waiting=True))
            counts = await store.select_counts(connection, first_recent_day(now))
            since = await store.first_hour_of_waiting(connection)
        return HourlyCounts(counts, waiting or 0, since).recent(now)

    async def run(self) -> None:
        """Folds every two seconds; raises `Unavailable` when PostgreSQL goes away."""
        await fold_repeatedly(self.fold)

    async def fold(self) -> None:
        """Adds all appended changes to the counts; one process does so at a time."""
        await fold_all(self.database, "fold hourly counts", store.fold)

    async def _count(self, part: Span, counts: dict[str, dict[str, int]]) -> None:
        day = part.start.date().isoformat()
        for action, number in await self.activities.count_actions(part.start, part.end, _TOPICS):
            if (metric := METRICS.get(action)) is not None:
                counts[metric][day] = counts[metric].get(day, 0) + number


def _a_month_before(end: datetime) -> datetime:
    earliest = midnight(date.min)
    return max(end, earliest + _USUAL_SPAN + _DAY) - _USUAL_SPAN - _DAY


def build(core: Core, activities: Activities, directory: Directory) -> Metrics:
    """Wires the feature."""
    return Metrics(core.database, activities, directory)
