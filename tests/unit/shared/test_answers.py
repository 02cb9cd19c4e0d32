"""How values look in answers."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from shared.values.timestamps import milliseconds, seconds
from shared.web.answers import answer


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"name": "Zoë", "none": None, "yes": True}, '{"name":"Zoë","none":null,"yes":true}'),
        ([{"a/b": "\u2028<\x7f\n"}], '[{"a/b":"\u2028<\x7f\\n"}]'),
        ({"large": 2**70}, '{"large":1180591620717411303424}'),
        ([], "[]"),
    ],
)
def test_an_answer_is_json_without_blanks(body: Any, text: str) -> None:
    response = answer(body, 201, {"Total": "7"})
    assert response.body == text.encode()
    assert json.loads(text) == body
    assert response.status == 201
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["Total"] == "7"


@pytest.mark.parametrize("value", [datetime(2026, 1, 28, tzinfo=UTC), {1}, b"x", object()])
def test_what_nobody_said_how_to_show_is_not_shown(value: Any) -> None:
    with pytest.raises(TypeError):
        answer({"value": value})


@pytest.mark.parametrize(
    ("moment", "to_the_second", "to_the_millisecond"),
    [
        (
            datetime(2026, 1, 28, 8, 35, 29, 999_999, tzinfo=UTC),
            "2026-01-28T08:35:29Z",
            "2026-01-28T08:35:29.999Z",
        ),
        (
            datetime(2026, 1, 28, 1, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2026-01-27T19:35:00Z",
            "2026-01-27T19:35:00.000Z",
        ),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_moments_are_shown_in_utc(
    moment: datetime, to_the_second: str, to_the_millisecond: str
) -> None:
    assert (seconds(moment), milliseconds(moment)) == (to_the_second, to_the_millisecond)
