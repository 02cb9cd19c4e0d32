"""Spans of time, and what happened in them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from admin_svc.activities.models import FAILED_LOGINS, SIGNUPS, SUCCESSFUL_LOGINS

DENIED_CALLS = "denied_calls"
"""The metric of calls of all users that the gateway denied; it is counted by hour only."""

RECENT = (SIGNUPS, SUCCESSFUL_LOGINS, FAILED_LOGINS, DENIED_CALLS)

WAITING = "waiting"
"""By how many the users who wait for a verdict became more or fewer."""

HOURS, DAYS = 24, 7
"""How many hours and days are recent, with those of now."""

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Span(NamedTuple):
    """A span of time from `start` on and before `end` (UTC)."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """Counts by metric and day (ISO 8601), and the number of users whose documents are pending.

    Days on which nothing happened are left out.
    """

    counts: Mapping[str, Mapping[str, int]]
    pending_applications: int


@dataclass(frozen=True, slots=True)
class Interval:
    """What happened in an hour or a day, by metric, and how many users waited at its end.

    `waiting` is None where nobody knows: it was before the release that counts them.
    """

    start: datetime
    counts: Mapping[str, int]
    waiting: int | None


@dataclass(frozen=True, slots=True)
class Recent:
    """The last hours and the last days, the oldest first; the last of each is not over."""

    hours: Sequence[Interval]
    days: Sequence[Interval]


@dataclass(frozen=True, slots=True)
class HourlyCounts:
    """Counts by hour and metric, how many users wait now, and since when that is known."""

    counts: Mapping[tuple[datetime, str], int]
    waiting: int
    waiting_since: datetime

    def recent(self, now: datetime) -> Recent:
        """The hours and days that end with `now`."""
        hour, day = now.replace(minute=0, second=0, microsecond=0), midnight(now.date())
        by_day: Counter[tuple[datetime, str]] = Counter()
        for (counted, metric), number in self.counts.items():
            by_day[midnight(counted.date()), metric] += number
        return Recent(
            [self._interval(hour - i * _HOUR, _HOUR, self.counts) for i in reversed(range(HOURS))],
            [self._interval(day - i * _DAY, _DAY, by_day) for i in reversed(range(DAYS))],
        )

    def _interval(
        self, start: datetime, length: timedelta, counts: Mapping[tuple[datetime, str], int]
    ) -> Interval:
        end = start + length
        since = [
            number
            for (hour, metric), number in self.counts.items()
            if metric == WAITING and hour >= end
        ]
        return Interval(
            start,
            {metric: counts.get((start, metric), 0) for metric in RECENT},
            self.waiting - sum(since) if end > self.waiting_since else None,
        )


def first_recent_day(now: datetime) -> datetime:
    """The beginning of the first of the recent days; no recent hour is before it."""
    return midnight(now.date()) - (DAYS - 1) * _DAY


def divided(span: Span) -> tuple[tuple[date, date] | None, tuple[Span, ...]]:
    """The first and the last whole day of a span, and the parts of days before and after them."""
    first = span.start.date()
    if span.start != midnight(first):
        if first == date.max:
            return None, _not_empty([span])
        first += _DAY
    begins, ends = midnight(first), midnight(span.end.date())
    if ends < begins:  # both lie within one day
        return None, _not_empty([span])
    parts = _not_empty([Span(span.start, begins), Span(ends, span.end)])
    return ((first, span.end.date() - _DAY) if ends > begins else None), parts


def midnight(day: date) -> datetime:
    """The beginning of a day in UTC."""
    return datetime.combine(day, time(), UTC)


def _not_empty(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(span for span in spans if span.start < span.end)
