"""GET /admin/metrics through the gateway."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from shared.contracts.activities import Activity
from shared.database.pool import Database
from tests.support.admin_features import activities_over
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.system import Installation
from tests.support.waiting import until

METRICS = "admin/metrics"
REFUSED = [
    {"created_from": "abc"},
    {"created_to": "abc"},
    {"created_from": "2026-13-01"},
    {"created_from": "-1"},
    {"created_from": "9" * 15},
    {"created_from": "253402300800"},
    {"created_to": "253402300800"},
    {"created_to": "2026-01-01T99:00:00Z"},
    {"created_to": "9999-12-31T23:59:59-12:00"},
]


def today() -> str:
    return datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize("params", REFUSED)
async def test_refused(admin: Client, params: dict[str, str]) -> None:
    answer = await admin.get(METRICS, params=params)

    assert (answer.status, answer.errors) == (422, ["invalid"])


async def read(admin: Client, **params: str) -> dict[str, Any]:
    answer = await admin.get(METRICS, params=params)
    assert answer.status == 200
    assert list(answer.body) == [
        *("signups", "sucessful_logins", "failed_logins", "pending_applications"),
    ]
    return dict(answer.body)


async def test_what_happens_is_counted_on_its_day(admin: Client, client: Client) -> None:
    before = await read(admin)
    day = today()
    uid = (await client.become_member()).body["uid"]
    await client.log_in()
    await client.log_in(password="Wr0ng-by-night-train")
    label = {"uid": uid, "key": "document", "value": "pending", "scope": "private"}
    assert (await admin.post("admin/users/labels", label)).status == 201

    async def counted() -> bool:
        now = await read(admin)
        return all(
            now[name].get(day, 0) >= before[name].get(day, 0) + 1
            for name in ("signups", "sucessful_logins", "failed_logins")
        )

    assert await until(counted)
    now = await read(admin)
    assert now["pending_applications"] == before["pending_applications"] + 1
    assert now["signups"][day] == before["signups"].get(day, 0) + 1

    label = {**label, "value": "verified"}
    assert (await admin.post("admin/users/labels/update", label)).status == 201
    assert (await read(admin))["pending_applications"] == before["pending_applications"]


@pytest.fixture
async def past(system: Installation) -> AsyncIterator[None]:
    """Ten sign-ups on each of two days long ago, in two slots."""
    connection = await asyncpg.connect(system.environments["admin"]["DATABASE_URL"])
    await connection.executemany(
        "INSERT INTO admin.daily_counts (day, metric, slot, number) VALUES ($1, $2, $3, $4)",
        [
            (datetime(2001, 2, day, tzinfo=UTC).date(), "signups", slot, 5)
            for day in (3, 4)
            for slot in (0, 1)
        ],
    )
    yield
    await connection.execute("DELETE FROM admin.daily_counts WHERE day < '2002-01-01'")
    await connection.close()


FIRST, SECOND = {"2001-02-03": 10}, {"2001-02-04": 10}


@pytest.mark.parametrize(
    ("created_from", "created_to", "signups"),
    [
        ("2001-02-03", "2001-02-04", FIRST | SECOND),
        ("2001-02-04", "2001-02-05", SECOND),
        ("2001-02-01", "2001-02-03", FIRST),
        ("03/02/2001", "03/02/2001", FIRST),
        ("2001-02-05", "2001-02-01", {}),
        ("981158400", "981244800", FIRST),  # from midnight to midnight: the second day is not in it
        ("981158400", "981244801", FIRST),  # in the first second of the second day was nothing
        ("2001-02-03T00:00:00Z", "2001-02-04T00:00:00+00:00", FIRST),
        ("2001-02-03T01:00:00+01:00", "2001-02-04T01:00:00+01:00", FIRST),
        ("2001-02-03T12:00:00Z", "2001-02-05", SECOND),
        ("", "2001-02-04", FIRST | SECOND),
        ("0001-01-01", "2001-12-31", FIRST | SECOND),
        ("", "2001-04-01", {}),
        ("", "0001-01-05", {}),
    ],
)
async def test_a_period_is_honoured(
    admin: Client, past: None, created_from: str, created_to: str, signups: dict[str, int]
) -> None:
    answer = await read(admin, created_from=created_from, created_to=created_to)

    assert answer["signups"] == signups


async def test_parts_of_days_are_counted_to_the_second(admin: Client, system: Installation) -> None:
    """One sign-up at the beginning of 2024-05-10, one at 12:00:05 and one at 12:00:10."""
    database = Database(system.environments["admin"]["DATABASE_URL"], "admin")
    midnight = datetime(2024, 5, 10, tzinfo=UTC)
    moments = [midnight + timedelta(seconds=seconds) for seconds in (0, 43_205, 43_210)]
    async with database.opened():
        activities = activities_over(database)
        for moment in moments:
            await activities.record(
                an_activity(topic="account", action="signup", created_at=moment)
            )

    async def signups(start: str, end: str) -> int:
        answer = await read(admin, created_from=start, created_to=end)
        return int(answer["signups"].get("2024-05-10", 0))

    assert await signups("2024-05-10", "2024-05-10") == 3
    assert await signups("2024-05-10T00:00:01Z", "2024-05-11") == 2
    assert await signups("2024-05-10T12:00:05Z", "2024-05-10T12:00:10Z") == 1
    assert await signups("2024-05-10T12:00:05Z", "2024-05-10T12:00:11Z") == 2
    assert await signups("2024-05-01", "2024-05-10T12:00:05Z") == 1
    assert await signups(str(int(moments[1].timestamp())), "2024-06-01") == 2


async def test_the_last_thirty_days_are_shown_unless_said_otherwise(
    admin: Client, past: None
) -> None:
    assert "2001-02-03" not in (await read(admin))["signups"]
    assert "2001-02-03" in (await read(admin, created_from="2001-01-01"))["signups"]


def an_activity(**changes: Any) -> Activity:
    usual: dict[str, Any] = {
        "category": "user",
        "uid": "ID1",
        "user_ip": "192.0.2.1",
        "user_agent": "",
        "topic": "session",
        "action": "login",
        "result": "succeed",
    }
    return Activity(**{**usual, **changes})


async def test_only_what_users_did_counts_and_for_what_it_was(database: TestDatabase) -> None:
    admin = Database(database.dsns["admin"], "admin")
    at = datetime(2020, 5, 17, 23, 30, tzinfo=UTC) + timedelta(hours=1)
    activities = activities_over(admin)
    async with admin.opened(), admin.connection() as connection:
        for activity in (
            an_activity(),
            an_activity(action="login::2fa"),
            an_activity(result="failed"),
            an_activity(topic="account", action="signup", created_at=at),
            an_activity(category="admin"),
            an_activity(result="denied"),
            an_activity(action="logout"),
        ):
            await activities.record(activity)
        rows = await connection.fetch(
            "SELECT metric, sum(number) AS number, min(day) AS day FROM daily_counts GROUP BY 1"
        )
    assert {row["metric"]: row["number"] for row in rows} == {
        "successful_logins": 2,
        "failed_logins": 1,
        "signups": 1,
    }
    assert {row["day"].isoformat() for row in rows} == {"2020-05-18", today()}


async def test_a_period_is_read_from_its_days_alone(database: TestDatabase) -> None:
    async with database.connected() as connection:
        await connection.execute("SET search_path TO admin")
        await connection.execute(
            """
            INSERT INTO daily_counts (day, metric, slot, number)
            SELECT '2000-01-01'::date + day, metric, slot, 1
            FROM generate_series(0, 7299) AS day,
                unnest(ARRAY['signups', 'successful_logins', 'failed_logins']) AS metric,
                generate_series(0, 7) AS slot
            """
        )
        await connection.execute("ANALYZE daily_counts")
        [(plan,)] = await connection.fetch(
            """
            EXPLAIN (ANALYZE, FORMAT JSON)
            SELECT day, metric, sum(number)::bigint AS number
            FROM daily_counts
            WHERE day BETWEEN '2019-01-01' AND '2019-01-30'
            GROUP BY day, metric
            ORDER BY day
            """
        )
    nodes = list(_nodes(json.loads(plan)[0]["Plan"]))
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    assert max(node["Actual Rows"] for node in nodes) == 30 * 3 * 8


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)
