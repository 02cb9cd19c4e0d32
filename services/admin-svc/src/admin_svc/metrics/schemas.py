"""The parameters and the answer of the operation on metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from marshmallow import fields

from admin_svc.activities.models import FAILED_LOGINS, SIGNUPS, SUCCESSFUL_LOGINS
from admin_svc.metrics.models import Interval, Recent, Report
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.values.timestamps import seconds
from shared.web.fields import Date, Integer, Parameter

_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())
"""The last second that Python can convert; as a float, `datetime.max` is in the year 10000."""


class Moment(Parameter):
    """A moment, in ISO 8601 or in seconds since 1970, or the beginning of a day (UTC).

    With `ends`, a day stands for its end.
    """

    def __init__(self, *, ends: bool = False) -> None:
        super().__init__()
        self._seconds = Integer(maximum=_LAST_SECOND)
        self._day = Date()
        self._ends = ends

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> datetime:
        text = str(value).strip()
        if text.isdecimal():
            return datetime.fromtimestamp(self._seconds.deserialize(text), UTC)
        if "T" not in text:
            return self._of_day(self._day.deserialize(value))
        try:
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise self.refuse() from None

    def _of_day(self, day: date) -> datetime:
        if self._ends and day == date.max:
            return datetime.max.replace(tzinfo=UTC)
        return datetime.combine(day + timedelta(days=self._ends), time(), UTC)

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "description": "A day, a moment in ISO 8601, or seconds since 1970.",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsForm:
    """GET /admin/metrics: from a moment on, and before another."""

    created_from: datetime | None = declared(Moment(), None)
    created_to: datetime | None = declared(Moment(ends=True), None)


def report_to_public(report: Report) -> dict[str, Any]:
    """The `Metrics` of the public API."""
    return {
        "signups": _in_order(report.counts[SIGNUPS]),
        "sucessful_logins": _in_order(report.counts[SUCCESSFUL_LOGINS]),  # the contract's spelling
        "failed_logins": _in_order(report.counts[FAILED_LOGINS]),
        "pending_applications": report.pending_applications,
    }


def recent_to_public(recent: Recent) -> dict[str, Any]:
    """The `RecentMetrics` of the public API."""
    return {
        "hours": [_interval_to_public(each) for each in recent.hours],
        "days": [_interval_to_public(each) for each in recent.days],
    }


def _interval_to_public(interval: Interval) -> dict[str, Any]:
    return {
        "start": seconds(interval.start),
        **interval.counts,
        "pending_reviews": interval.waiting,
    }


def _in_order(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


_BY_DAY = described("By day, YYYY-MM-DD.")


class MetricsSchema(AnswerSchema):
    """What happened on each day of a period."""

    signups = fields.Dict(values=fields.Integer(), metadata=_BY_DAY)
    sucessful_logins = fields.Dict(values=fields.Integer(), metadata=_BY_DAY)
    failed_logins = fields.Dict(values=fields.Integer(), metadata=_BY_DAY)
    pending_applications = fields.Integer(
        metadata=described("How many users wait to be judged now.")
    )


class MetricsOfIntervalSchema(AnswerSchema):
    """What happened in an hour or a day."""

    start = fields.DateTime(metadata=described("Its beginning (UTC)."))
    signups = fields.Integer()
    successful_logins = fields.Integer()
    failed_logins = fields.Integer()
    denied_calls = fields.Integer(
        metadata=described("Calls that the role of their user, or their token or key, may not do.")
    )
    pending_reviews = fields.Integer(
        allow_none=True,
        metadata=described(
            "How many users waited to be judged at its end; null before these were counted."
        ),
    )


class RecentMetricsSchema(AnswerSchema):
    """What happened lately, the oldest first; the last hour and the last day are not over."""

    hours = fields.List(fields.Nested(MetricsOfIntervalSchema), metadata=described("The last 24."))
    days = fields.List(fields.Nested(MetricsOfIntervalSchema), metadata=described("The last 7."))
