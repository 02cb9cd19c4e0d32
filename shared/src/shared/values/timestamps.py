"""Moments as answers and events show them."""

from datetime import UTC, datetime

import orjson

_SECONDS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


def seconds(moment: datetime) -> str:
    """A moment as models show it: 2026-01-28T08:35:29Z."""
    # In a third of the time that `isoformat` takes; one user's answer has sixteen moments.
    return orjson.dumps(_in_utc(moment), option=_SECONDS)[1:-1].decode()


def milliseconds(moment: datetime) -> str:
    """A moment as raw lists show it: 2026-01-28T08:35:29.000Z."""
    return f"{_in_utc(moment).isoformat(timespec='milliseconds')[:23]}Z"


def _in_utc(moment: datetime) -> datetime:
    """The same moment; PostgreSQL's are in UTC already."""
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
