"""Spans of time in forms: days there, seconds since the epoch in the API."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

_DAY = timedelta(days=1)


def with_moments(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters with the begin of the day `from`, and the end of the day `to`, of UTC.

    What is no day stays as it is, and the API may refuse it.
    """
    given = dict(filters)
    for name, later in (("from", timedelta(0)), ("to", _DAY)):
        try:
            day = datetime.strptime(given.get(name, ""), "%Y-%m-%d").replace(tzinfo=UTC)
            given[name] = str(int((day + later).timestamp()))
        except (ValueError, OverflowError):
            continue
    return given
