"""The users that are counted, and the whole weeks of a span of time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedUsers:
    """Which users to count; None lets every one pass.

    `clock` says whether spans of time are those of sign-up or of the last change. `waiting` counts
    only users whose documents wait for a verdict.
    """

    clock: Literal["created", "updated"]
    country: str | None = None
    role: str | None = None
    state: str | None = None
    level: int | None = None
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Weeks:
    """The whole weeks of a span, from `first` on and before `last`; None is without an end."""

    first: date | None
    last: date | None

    @property
    def are_none(self) -> bool:
        """Whether the span has no whole week."""
        return self.first is not None and self.last is not None and self.first >= self.last

    @property
    def begin(self) -> datetime | None:
        """The moment at which the first week begins."""
        return _midnight(self.first)

    @property
    def end(self) -> datetime | None:
        """The moment at which the last week ends."""
        return _midnight(self.last)


def whole_weeks(start: datetime | None, end: datetime | None) -> Weeks:
    """The whole weeks between two moments; weeks begin on Mondays in UTC."""
    first = _monday(start - timedelta(microseconds=1)) + _WEEK if start else None
    return Weeks(first, _monday(end) if end else None)


def _monday(moment: datetime) -> date:
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), UTC) if day else None
