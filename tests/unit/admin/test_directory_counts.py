"""Which weeks of a span are counted already."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from admin_svc.user_counts.models import Weeks, whole_weeks

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_MICROSECOND = timedelta(microseconds=1)
MOMENTS = st.integers(0, 4 * 10**15).map(lambda n: EPOCH + timedelta(microseconds=n))


def test_a_week_begins_on_monday() -> None:
    week = Weeks(date(2026, 11, 2), date(2026, 11, 9))
    assert whole_weeks(MONDAY, MONDAY + timedelta(days=7)) == week
    assert whole_weeks(MONDAY - A_MICROSECOND, MONDAY + timedelta(days=8)) == week
    assert (week.begin, week.end) == (MONDAY, MONDAY + timedelta(days=7))


def test_what_is_shorter_has_none() -> None:
    week = timedelta(days=7)
    assert whole_weeks(MONDAY + A_MICROSECOND, MONDAY + week).are_none
    assert whole_weeks(MONDAY, MONDAY + week - A_MICROSECOND).are_none
    assert whole_weeks(MONDAY + week, MONDAY).are_none


def test_a_span_may_have_no_end() -> None:
    for weeks in (whole_weeks(None, None), whole_weeks(MONDAY, None), whole_weeks(None, MONDAY)):
        assert not weeks.are_none
    assert whole_weeks(None, None) == Weeks(None, None)


@given(start=MOMENTS, end=MOMENTS)
def test_weeks_lie_within_the_span_and_leave_less_than_one_at_each_end(
    start: datetime, end: datetime
) -> None:
    weeks = whole_weeks(start, end)
    assert weeks.begin is not None
    assert weeks.end is not None
    assert timedelta(0) <= weeks.begin - start < timedelta(days=7)
    assert timedelta(0) <= end - weeks.end < timedelta(days=7)
    assert (weeks.begin.weekday(), weeks.end.weekday()) == (0, 0)
