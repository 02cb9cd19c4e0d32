"""The rules of the audit log: months, cursors, files."""

import csv
import io
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_svc.activities.export import COLUMNS, FORMATS, csv_lines, file_format, json_lines
from admin_svc.activities.models import FoundActivity, Position
from admin_svc.activities.partitions import ahead
from shared.contracts.activities import StoredActivity
from shared.database.partitions import Month

MOMENTS = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(9998, 12, 30),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]),
)


def found(**changes: Any) -> FoundActivity:
    fields: dict[str, Any] = {
        "category": "user",
        "uid": "ID1",
        "user_ip": "::1",
        "user_agent": "browser",
        "topic": "session",
        "action": "login",
        "result": "succeed",
        "number": 1,
    }
    return FoundActivity(StoredActivity(**{**fields, **changes}), None, None)


@given(MOMENTS, st.uuids())
def test_a_cursor_is_a_place(moment: datetime, number: uuid.UUID) -> None:
    place = Position(moment, number)
    assert Position.of(place.cursor) == place


@given(st.text(max_size=100))
def test_nothing_else_is_a_cursor(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        Position.of(text)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff20"])
def test_no_cell_of_a_csv_is_a_formula(start: str) -> None:
    lines = csv_lines([found(user_agent=f"{start}cmd|' /C calc'!A0")])
    row = dict(zip(COLUMNS, next(csv.reader(io.StringIO(lines.decode(), newline=""))), strict=True))

    assert row["user_agent"] == f"'{start}cmd|' /C calc'!A0"
    assert (row["uid"], row["user_ip"], row["email"]) == ("ID1", "::1", "")


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.text(max_size=50))
def test_a_line_of_csv_says_what_was_recorded(data: str, user_agent: str) -> None:
    lines = csv_lines([found(data=data, user_agent=user_agent.encode("utf-8", "replace").decode())])
    [row] = csv.reader(io.StringIO(lines.decode(), newline=""))

    assert len(row) == len(COLUMNS)
    assert row[-1].removeprefix("'") == data.removeprefix("'")


def test_a_line_of_json_says_what_was_recorded() -> None:
    one = found(data='{"reason": "ü\\n"}')
    lines = json_lines([one, one]).decode().splitlines()

    assert len(lines) == 2
    assert tuple(json.loads(lines[0])) == COLUMNS
    assert json.loads(lines[0])["data"] == '{"reason": "ü\\n"}'


@pytest.mark.parametrize(
    ("asked", "accept", "name"),
    [
        (None, "", None),
        (None, "*/*", None),
        (None, "application/json, text/csv", None),
        (None, "text/csv", "csv"),
        (None, "text/html, Text/CSV;q=0.9, */*", "csv"),
        (None, "application/x-ndjson", "jsonl"),
        (None, "application/jsonl", "jsonl"),
        ("csv", "application/json", "csv"),
        ("jsonl", "text/csv", "jsonl"),
    ],
)
def test_the_format_is_asked_for_or_accepted(
    asked: str | None, accept: str, name: str | None
) -> None:
    assert file_format(asked, accept) == (FORMATS[name] if name else None)


def test_months_ahead_are_counted_up_to_the_first_that_is_missing() -> None:
    december = Month(2026, 12)
    coming = [december.plus(months) for months in (-1, 0, 1, 2, 4)]
    assert ahead(coming, december) == 2
    assert ahead(coming, december.plus(1)) == 1
    assert ahead(coming, december.plus(3)) == 1
    assert ahead([], december) == 0
    assert ahead([december], december) == 0
