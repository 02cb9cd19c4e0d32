"""Types of parameters: what each reads and with which codes it refuses the rest."""

import unicodedata
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError

from shared.web.fields import (
    Absence,
    Boolean,
    Code,
    Date,
    Email,
    Integer,
    Parameter,
    Password,
    Text,
)

ABSENT = object()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def read(field: Parameter, value: Any = ABSENT) -> Any:
    """What a body with this value gives: the value, the codes, or ABSENT."""
    body = {} if value is ABSENT else {"x": value}
    try:
        return Schema.from_dict({"x": field})().load(body).get("x", ABSENT)
    except ValidationError as error:
        messages: Any = error.messages
        return messages["x"]


def strict(kind: type[Parameter], **options: Any) -> Parameter:
    return kind(missing=["missing_x", "empty_x"], empty="empty_x", **options)


@pytest.mark.parametrize("kind", [Text, Integer, Boolean, Date])
@pytest.mark.parametrize("blank", [None, "", " ", "\t \n", "\u3000", "\u200b\u2060\ufeff"])
def test_absent_and_blank_are_told_apart(kind: type[Parameter], blank: str | None) -> None:
    assert read(strict(kind)) == ["missing_x", "empty_x"]
    assert read(strict(kind), blank) == ["empty_x"]
    assert read(kind()) is ABSENT
    for code in [*read(strict(kind)), *read(strict(kind), blank)]:
        assert isinstance(code, Absence)


@pytest.mark.parametrize("kind", [Integer, Boolean, Date])
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_blank_without_a_code_is_no_value(kind: type[Parameter], blank: str | None) -> None:
    assert read(kind(), blank) is None


@pytest.mark.parametrize("kind", [Text, Integer, Boolean, Date])
@pytest.mark.parametrize("value", [[], ["1"], [b"file"], {}, {"a": 1}, [None]])
def test_no_list_or_object_is_taken_for_a_value(kind: type[Parameter], value: Any) -> None:
    assert read(kind(), value) == ["invalid"]
    assert read(strict(kind), value) == ["invalid"]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (Text(), "a", "a"),
        (Text(), " a\u00a0", "a"),
        (Text(), "e\u0301", "\u00e9"),
        (Text(), " \u200b\u202a\u3164\u00ad", ""),
        (Text(flawed="x.bad"), "a\nb", ["x.bad"]),
        (Text(flawed="x.bad"), "a\x07", ["x.bad"]),
        (Text(flawed="x.bad"), "a" * 1025, ["x.bad"]),
        (Text(flawed="x.bad"), ["a"], ["invalid"]),
        (Text(), "a\u2028b", ["invalid"]),
        (Password(), " e\u0301 ", " e\u0301 "),
        (Password(), "a\nb", ["invalid"]),
        (Email(), " max@M\u00fcller.de ", "max@xn--mller-kva.de"),
        (Code(), " 12\u00a03-\u0664\u0665\u06f6 ", "123456"),
        (Text(), 5, "5"),
        (Text(), -1.5, "-1.5"),
        (Text(), True, ["invalid"]),
        (Text(), None, None),
        (Text(), "", ""),
        (Text(), "  ", ""),
        (Text(maximum=3), "abc", "abc"),
        (Text(maximum=3), "abcd", ["invalid"]),
        (Text(maximum=3), 1234, ["invalid"]),
        (Text(maximum=3), "    ", ["invalid"]),
        (Text(), "x" * 1024, "x" * 1024),
        (Text(), "x" * 1025, ["invalid"]),
        (Text(maximum=1), "\U0001f600", "\U0001f600"),
        (Text(), "a\nb", ["invalid"]),
        (Text(), "a\r", "a"),
        (Text(), "\r\n", ""),
        (Text(), "\x1f", ["invalid"]),
        (Text(), "a\x7f", ["invalid"]),
        (Text(), "a\x85b", ["invalid"]),
        (Text(lines=True), "\x9f", ["invalid"]),
        (Text(lines=True), "a\n\tb\r\n", "a\n\tb"),
        (Text(lines=True), "a\x0bb", ["invalid"]),
        (Text(lines=True), "\x1f\n", ["invalid"]),
        (Text(invalid="x.bad"), "\x00", ["x.bad"]),
        (Integer(), "5", 5),
        (Integer(), " +5 ", 5),
        (Integer(), 5, 5),
        (Integer(), "5.0", ["invalid"]),
        (Integer(), 5.0, ["invalid"]),
        (Integer(), "1_0", ["invalid"]),
        (Integer(), "0x1", ["invalid"]),
        (Integer(), "٣", ["invalid"]),
        (Integer(), "1" * 19, ["invalid"]),
        (Integer(), 10**30, ["invalid"]),
        (Integer(), 2**31 - 1, 2**31 - 1),
        (Integer(), 2**31, ["invalid"]),
        (Integer(), "-1", ["invalid"]),
        (Integer(), True, ["invalid"]),
        (Integer(), "five", ["invalid"]),
        (Integer(minimum=-2), "-2", -2),
        (Integer(minimum=1, range_code="range"), 0, ["range"]),
        (Integer(maximum=9, range_code="range"), "10", ["range"]),
        (Integer(invalid=("a", "b")), "x", ["a", "b"]),
        (Boolean(), True, True),
        (Boolean(), False, False),
        (Boolean(), "TRUE", True),
        (Boolean(), " False ", False),
        (Boolean(), "1", True),
        (Boolean(), 0, False),
        (Boolean(), 2, ["invalid"]),
        (Boolean(), 1.0, ["invalid"]),
        (Boolean(), "yes", ["invalid"]),
        (Boolean(), "on", ["invalid"]),
        (Boolean(invalid="x.bad"), "10", ["x.bad"]),
        (Date(), "2024-02-29", date(2024, 2, 29)),
        (Date(), "29/02/2024", date(2024, 2, 29)),
        (Date(), " 31/12/1999 ", date(1999, 12, 31)),
        (Date(), "0001-01-01", date(1, 1, 1)),
        (Date(), "2023-02-29", ["invalid"]),
        (Date(), "31/04/2024", ["invalid"]),
        (Date(), "12/31/2024", ["invalid"]),
        (Date(), "2024-13-01", ["invalid"]),
        (Date(), "0000-01-01", ["invalid"]),
        (Date(), "2024-2-9", ["invalid"]),
        (Date(), "9/2/2024", ["invalid"]),
        (Date(), "2024/02/09", ["invalid"]),
        (Date(), "09-02-2024", date(2024, 2, 9)),
        (Date(), "09/02-2024", ["invalid"]),
        (Date(), "20240209", ["invalid"]),
        (Date(), "2024-02-09T00:00:00", ["invalid"]),
        (Date(), "٢٠٢٤-02-09", ["invalid"]),
        (Date(), 20240209, ["invalid"]),
        (Date(), True, ["invalid"]),
        (Date(invalid="x.bad"), "never", ["x.bad"]),
    ],
)
def test_a_value_is_read_or_refused(field: Parameter, value: Any, expected: Any) -> None:
    assert read(field, value) == expected
    assert type(read(field, value)) is type(expected)


@given(JSON)
def test_accepted_text_is_short_and_has_no_control_character(value: Any) -> None:
    for field, allowed in ((Text(maximum=20), ""), (Text(maximum=20, lines=True), "\t\n\r")):
        got = read(field, value)
        if isinstance(got, str):
            assert len(got) <= 20
            assert not [c for c in got if unicodedata.category(c) == "Cc" and c not in allowed]
        else:
            assert got in (None, ["invalid"])


@given(st.integers() | st.text("0123456789+- .eE_", max_size=22))
def test_an_accepted_integer_is_within_its_range(value: Any) -> None:
    got = read(Integer(minimum=-5, maximum=5), value)

    assert got in (None, ["invalid"]) or (-5 <= got <= 5 and got == int(value))


@given(st.dates())
def test_every_day_is_read_in_both_forms(day: date) -> None:
    assert read(Date(), day.isoformat()) == day
    assert read(Date(), f"{day.day:02}/{day.month:02}/{day.year:04}") == day
