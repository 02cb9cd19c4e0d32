"""Months, by which tables are partitioned."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.database.partitions import Month

MOMENTS = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9998, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]),
)


def test_months_follow_each_other() -> None:
    assert Month(2026, 12).plus(1) == Month(2027, 1)
    assert Month(2027, 1).plus(-1) == Month(2026, 12)
    assert Month(2026, 11).plus(-24) == Month(2024, 11)
    assert Month(2026, 9) < Month(2026, 11) < Month(2027, 1)


@given(MOMENTS)
def test_a_moment_lies_in_its_month(moment: datetime) -> None:
    month = Month.of(moment)
    begins = datetime(month.year, month.month, 1, tzinfo=UTC)

    assert begins <= moment
    assert moment - begins < timedelta(days=31)
    assert Month.of_partition("events", month.partition_of("events")) == month


@pytest.mark.parametrize("name", ["events", "events_y2026", "x_y2026m11", "events_pkey"])
def test_other_tables_are_no_months(name: str) -> None:
    assert Month.of_partition("events", name) is None
