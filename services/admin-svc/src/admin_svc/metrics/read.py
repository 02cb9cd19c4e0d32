"""Reading metrics."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from admin_svc.activities.count_deeds import CountDeeds
from admin_svc.directory.use_cases import Directory
from admin_svc.metrics import store
from admin_svc.metrics.rules import DEEDS, FAILED_LOGINS, SIGNUPS, SUCCESSFUL_LOGINS
from shared.database.pool import Database

_USUAL_SPAN = timedelta(days=30)
_DAY = timedelta(days=1)
_PENDING = ("document", "pending")


class Span(NamedTuple):
    """From a moment on, and before another (UTC)."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class ReadMetrics:
    """Whole days are read as they were counted, some rows a day; parts of days are counted now.

    Of months whose activities were dropped there are whole days alone.
    """

    database: Database
    count_deeds: CountDeeds
    directory: Directory

    async def __call__(self, start: datetime | None, end: datetime | None) -> dict[str, Any]:
        """The `Metrics` of the public API, of the last thirty days unless said otherwise.

        Days on which nothing happened are left out.
        """
        end = end or _midnight(datetime.now(UTC).date()) + _DAY
        start = start or _a_month_before(end)
        of: dict[str, dict[str, int]] = {SIGNUPS: {}, SUCCESSFUL_LOGINS: {}, FAILED_LOGINS: {}}
        days, parts = divided(Span(start, end))
        if days is not None:
            async with self.database.connection() as connection:
                for day, metric, number in await store.counts(connection, *days):
                    of[metric][day.isoformat()] = number
        for part in parts:
            await self._count(part, of)
        return {
            "signups": _in_order(of[SIGNUPS]),
            "sucessful_logins": _in_order(of[SUCCESSFUL_LOGINS]),  # the contract spells it so
            "failed_logins": _in_order(of[FAILED_LOGINS]),
            "pending_applications": (await self.directory.list_labels()).get(_PENDING, 0),
        }

    async def _count(self, part: Span, of: dict[str, dict[str, int]]) -> None:
        topics = {topic for topic, _, _ in DEEDS}
        day = part.start.date().isoformat()
        for deed, number in await self.count_deeds(part.start, part.end, topics):
            if (metric := DEEDS.get(deed)) is not None:
                of[metric][day] = of[metric].get(day, 0) + number


def divided(span: Span) -> tuple[tuple[date, date] | None, tuple[Span, ...]]:
    """The first and the last whole day of a span, and the parts of days before and after them."""
    first = span.start.date()
    if span.start != _midnight(first):
        if first == date.max:
            return None, _not_empty([span])
        first += _DAY
    begins, ends = _midnight(first), _midnight(span.end.date())
    if ends < begins:  # both lie within one day
        return None, _not_empty([span])
    parts = _not_empty([Span(span.start, begins), Span(ends, span.end)])
    return ((first, span.end.date() - _DAY) if ends > begins else None), parts


def _not_empty(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.start < span.end)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _a_month_before(end: datetime) -> datetime:
    earliest = _midnight(date.min)
    return max(end, earliest + _USUAL_SPAN + _DAY) - _USUAL_SPAN - _DAY


def _in_order(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
