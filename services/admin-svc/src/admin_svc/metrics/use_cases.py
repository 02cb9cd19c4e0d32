"""What happened on each day."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from admin_svc.activities.models import FAILED_LOGINS, METRICS, SIGNUPS, SUCCESSFUL_LOGINS
from admin_svc.activities.use_cases import Activities
from admin_svc.directory.use_cases import Directory
from admin_svc.metrics.models import Report, Span, divided, midnight

_USUAL_SPAN = timedelta(days=30)
_DAY = timedelta(days=1)
_PENDING = ("document", "pending")
_TOPICS = {topic for topic, _, _ in METRICS}


@dataclass(frozen=True, slots=True)
class Metrics:
    """Reads whole days from daily counts, some rows a day, and counts parts of days.

    Of months whose activities were dropped there are whole days alone.
    """

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

    async def _count(self, part: Span, counts: dict[str, dict[str, int]]) -> None:
        day = part.start.date().isoformat()
        for action, number in await self.activities.count_actions(part.start, part.end, _TOPICS):
            if (metric := METRICS.get(action)) is not None:
                counts[metric][day] = counts[metric].get(day, 0) + number


def _a_month_before(end: datetime) -> datetime:
    earliest = midnight(date.min)
    return max(end, earliest + _USUAL_SPAN + _DAY) - _USUAL_SPAN - _DAY


def build(activities: Activities, directory: Directory) -> Metrics:
    """Wires the feature."""
    return Metrics(activities, directory)
