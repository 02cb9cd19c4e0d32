"""Which whole weeks lie in a span of time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Weeks:
    """The whole weeks of a span, from `first` on and before `last`; None is without an end."""

    first: date | None
    last: date | None

    @property
    def are_none(self) -> bool:
        """Whether there is no whole week in it."""
        return self.first is not None and self.last is not None and self.first >= self.last

    @property
    def begin(self) -> datetime | None:
        """When the first one begins."""
        return _midnight(self.first)

    @property
    def end(self) -> datetime | None:
        """When the last one is over."""
        return _midnight(self.last)


def whole_weeks(start: datetime | None, end: datetime | None) -> Weeks:
    """The weeks, which begin on Mondays in UTC, that lie between two moments."""
    first = _monday(start - timedelta(microseconds=1)) + _WEEK if start else None
    return Weeks(first, _monday(end) if end else None)


def _monday(moment: datetime) -> date:
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
