"""Spans of time, and what happened in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

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
