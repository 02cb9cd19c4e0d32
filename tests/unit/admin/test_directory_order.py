"""Cursors lead back to where they were made."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_svc.directory.models import CREATED_AT, EMAIL, UPDATED_AT, Cursor, Order

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UIDS = st.from_regex(r"[A-Z]{2,6}[0-9A-F]{10}", fullmatch=True)
MOMENTS = st.integers(0, 4 * 10**15).map(lambda n: EPOCH + timedelta(microseconds=n))
EMAILS = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9.-]{1,180}", fullmatch=True)


@given(uid=UIDS, moment=MOMENTS, by=st.sampled_from((CREATED_AT, UPDATED_AT)), down=st.booleans())
def test_a_moment(uid: str, moment: datetime, by: str, down: bool) -> None:
    cursor = Cursor(Order(by, down), moment, uid)
    assert Cursor.decode(cursor.encode(), Order(by, down)) == cursor


@given(uid=UIDS, email=EMAILS)
def test_an_email(uid: str, email: str) -> None:
    cursor = Cursor(Order(EMAIL), email, uid)
    assert Cursor.decode(cursor.encode(), Order(EMAIL)) == cursor


@given(st.text(max_size=300))
def test_nothing_else_is_a_cursor(text: str) -> None:
    with pytest.raises(ValueError, match=r"[\s\S]*"):
        Cursor.decode(text, Order())


def test_a_cursor_of_another_order_is_none() -> None:
    cursor = Cursor(Order(CREATED_AT), datetime(2026, 11, 22, tzinfo=UTC), "ID1")
    for other in (Order(CREATED_AT, True), Order(UPDATED_AT), Order(EMAIL)):
        with pytest.raises(ValueError, match=cursor.encode()):
            Cursor.decode(cursor.encode(), other)


def test_a_cursor_keeps_microseconds_whatever_the_zone() -> None:
    moment = datetime(2026, 11, 22, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=5)))
    cursor = Cursor(Order(), moment, "ID1")
    assert Cursor.decode(cursor.encode(), Order()).position == moment
