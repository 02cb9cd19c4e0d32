"""The parameters of the operation on metrics."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.declared import declared
from shared.web.fields import Date, Integer

_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
"""Of which Python can tell the day; as a float, `datetime.max` is rounded to the year 10000."""


class Day(Date):
    """A day: a date, or the day (UTC) of a moment, in ISO 8601 or in seconds since 1970.

    `before`: midnight stands for the day that it ends.
    """

    def __init__(self, *, before: bool = False) -> None:
        super().__init__()
        self._seconds = Integer(maximum=_LAST_SECOND)
        self._before = before

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> date:
        text = str(value).strip()
        if text.isdecimal():
            seconds = self._seconds.deserialize(text)
            return self._day(datetime.fromtimestamp(seconds, UTC))
        if "T" not in text:
            return super()._deserialize(value, attr, data, **kwargs)
        try:
            moment = datetime.fromisoformat(text)
            return self._day(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            raise self.refuse() from None

    def _day(self, moment: datetime) -> date:
        shown = moment.astimezone(UTC)
        return (shown - timedelta(microseconds=1) if self._before else shown).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsForm:
    """GET /admin/metrics."""

    created_from: date | None = declared(Day(), None)
    created_to: date | None = declared(Day(before=True), None)
