"""The numbers in the charts of the console's first page, in a system where nothing else happens."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import asyncpg
import pytest
from babel.dates import format_date

from console_svc.overview.charts import HEIGHT, Part, chart
from tests.support.pages import Pages
from tests.support.system import SUPERADMIN, Installation, started

HOUR = timedelta(hours=1)
SERVICES = ("identity", "resource", "admin", "gateway", "console")
TEXTS: dict[str, dict[str, Any]] = {
    "en": {
        "titles": ["The last 24 hours", "The last seven days"],
        "columns": [
            *("Time (UTC)", "Sign-ups", "Log-ins", "Refused log-ins", "Denied calls"),
            "Pending reviews",
        ],
        "captions": [
            *("Sign-ups: 1,203 in all", "Refusals: 9 in all", "Pending reviews: 0 now"),
            *("Sign-ups: 1,213 in all", "Refusals: 9 in all", "Pending reviews: 0 now"),
        ],
        "waits": "0 users wait for a review.",
    },
    "de": {
        "titles": ["Die letzten 24 Stunden", "Die letzten sieben Tage"],
        "columns": [
            *("Zeit (UTC)", "Registrierungen", "Anmeldungen", "Abgelehnte Anmeldungen"),
            *("Verweigerte Aufrufe", "Wartende Prüfungen"),
        ],
        "captions": [
            *("Registrierungen: 1.203 insgesamt", "Ablehnungen: 9 insgesamt"),
            *("Wartende Prüfungen: 0 jetzt", "Registrierungen: 1.213 insgesamt"),
            *("Ablehnungen: 9 insgesamt", "Wartende Prüfungen: 0 jetzt"),
        ],
        "waits": "0 Benutzer warten auf eine Prüfung.",
    },
}


class Reader(HTMLParser):
    """Finds tables, the bars of charts with their titles, and captions."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.charts: list[dict[str, int]] = []
        self.captions: list[str] = []
        self.titles: list[str] = []
        self._inside = ""
        self._height = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._inside = tag
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag == "svg":
            assert given["role"] == "img"
            assert given["aria-labelledby"]
            self.charts.append({})
        elif tag == "rect":
            self._height = int(given["height"] or 0)
        elif tag == "figcaption":
            self.captions.append("")
        elif tag == "h2":
            self.titles.append("")

    def handle_data(self, data: str) -> None:
        if self._inside in ("th", "td"):
            self.tables[-1][-1].append(data)
        elif self._inside == "title" and self.charts:
            self.charts[-1][data] = self._height
        elif self._inside == "figcaption":
            self.captions[-1] += data
        elif self._inside == "h2":
            self.titles[-1] += data

    def handle_endtag(self, _tag: str) -> None:
        self._inside = ""


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture
async def counted(system_of_my_own: Installation) -> AsyncIterator[datetime]:
    """What happened three hours, a hundred hours and ten days ago; the hour that is now."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    near, far, old = now - 3 * HOUR, now - 100 * HOUR, now - 240 * HOUR
    connection = await asyncpg.connect(system_of_my_own.environments["admin"]["DATABASE_URL"])
    try:
        await connection.execute("UPDATE admin.hourly_counts SET hour = $1", far)
        await connection.executemany(
            "INSERT INTO admin.hourly_counts (hour, metric, number) VALUES ($1, $2, $3)",
            [
                *((near, "signups", 1203), (far, "signups", 10), (old, "signups", 7)),
                *((near, "failed_logins", 3), (near, "denied_calls", 6)),
                *((near - HOUR, "waiting", 4), (near, "waiting", -4)),
            ],
        )
    finally:
        await connection.close()
    async with started(system_of_my_own, *SERVICES):
        yield now


@pytest.mark.parametrize("language", TEXTS)
async def test_the_numbers_of_the_last_day_and_week_are_shown(
    system_of_my_own: Installation, counted: datetime, language: str
) -> None:
    texts = TEXTS[language]
    near, far = counted - 3 * HOUR, counted - 100 * HOUR
    async with Pages(system_of_my_own) as pages:
        await pages.log_in(SUPERADMIN)
        answer = await pages.get(f"/console?lang={language}")
    shown = read(answer.html)
    assert shown.titles == texts["titles"]
    assert texts["waits"] in answer.text
    captions = [" ".join(caption.split()) for caption in shown.captions]
    assert [c for c in captions if not re.match("Log-ins|Anmeldungen", c)] == texts["captions"]
    hours, days = shown.tables
    assert hours[0] == days[0] == texts["columns"]

    # The superadmin's log-in just now is of no hour that is looked at here.
    by_hour = {time: numbers for time, *numbers in hours[1:]}
    assert len(by_hour) == 24
    one = "1,203" if language == "en" else "1.203"
    assert by_hour[f"{near:%H:%M}"] == [one, "0", "3", "6", "0"]
    assert by_hour[f"{near - HOUR:%H:%M}"] == ["0", "0", "0", "0", "4"]
    assert by_hour[f"{near - 2 * HOUR:%H:%M}"] == ["0", "0", "0", "0", "0"]

    by_day = {time: numbers for time, *numbers in days[1:]}
    assert len(by_day) == 7
    waits = "unknown" if language == "en" else "unbekannt"
    assert by_day[format_date(far.date(), "medium", locale=language)][0] == "10"
    assert by_day[format_date((far - 24 * HOUR).date(), "medium", locale=language)][-1] == waits

    sign_ups, _, refusals, waiting, *of_days = shown.charts
    _, signed_up, _, failed, denied, pending = texts["columns"]
    assert sign_ups == {f"{near:%H:%M}, {signed_up}: {one}": HEIGHT}
    assert refusals == {
        f"{near:%H:%M}, {failed}: 3": HEIGHT // 3,
        f"{near:%H:%M}, {denied}: 6": HEIGHT * 2 // 3,
    }
    assert waiting == {f"{near - HOUR:%H:%M}, {pending}: 4": HEIGHT}
    assert len(of_days) == 4
    tenth = {height for title, height in of_days[0].items() if title.endswith(": 10")}
    assert tenth == {round(10 * HEIGHT / 1203)}


def test_bars_stand_side_by_side_and_their_parts_on_each_other() -> None:
    intervals: list[dict[str, Any]] = [
        {"start": "2026-11-30T10:00:00Z", "a": 1, "b": None},
        {"start": "2026-11-30T11:00:00Z", "a": 2, "b": 2},
        {"start": "2026-11-30T12:00:00Z", "a": None, "b": None},
    ]
    drawn = chart(intervals, "a", "b")
    assert [bar.number for bar in drawn.bars] == [1, 4, None]
    assert (drawn.total, drawn.last) == (5, 0)
    half, quarter = HEIGHT // 2, HEIGHT // 4
    assert drawn.bars[0].parts == [
        Part("a", 1, HEIGHT - quarter, quarter),
        Part("b", 0, HEIGHT - quarter, 0),
    ]
    assert drawn.bars[1].parts == [Part("a", 2, half, half), Part("b", 2, 0, half)]
    for before, after in zip(drawn.bars, drawn.bars[1:], strict=False):
        assert before.x + before.width < after.x


def test_where_nothing_happened_is_no_bar() -> None:
    drawn = chart([{"start": "2026-11-30T10:00:00Z", "a": 0}], "a")
    assert drawn.bars[0].parts == [Part("a", 0, HEIGHT, 0)]
