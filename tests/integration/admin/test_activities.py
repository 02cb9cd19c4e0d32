"""The audit log through the gateway: searched, paged, exported, and kept."""

import asyncio
import base64
import csv
import io
import json
import random
import secrets
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.contracts.activities import Activity
from shared.database.partitions import Month
from shared.database.pool import Database
from shared.errors import Unavailable
from tests.support.admin_features import activities_over
from tests.support.client import Answer, Client
from tests.support.database import TestDatabase
from tests.support.internal import admin_of, tables_of_admin, tables_of_identity
from tests.support.seeds import command
from tests.support.system import Installation, started
from tests.support.waiting import until


def cursor_at(moment: str) -> str:
    """A place in the list, written by hand."""
    return base64.urlsafe_b64encode(f"{moment} {uuid.UUID(int=0)}".encode()).decode()


USERS, ADMINS = "admin/activities", "admin/activities/admin"

BOTH: list[tuple[dict[str, Any], list[str]]] = [
    ({"from": "abc"}, ["invalid"]),
    ({"to": "abc"}, ["invalid"]),
    ({"from": "-1"}, ["invalid"]),
    ({"to": "9" * 18}, ["invalid"]),
    ({"page": 0}, ["non_positive_page"]),
    ({"page": "abc"}, ["non_integer_page", "non_positive_page"]),
    ({"page": 10**6}, ["admin.activity.page_too_deep"]),
    ({"limit": 101}, ["invalid_limit"]),
    ({"limit": 0}, ["invalid_limit"]),
    ({"result": "nope"}, ["admin.activity.invalid_result"]),
    ({"cursor": "nope"}, ["admin.activity.invalid_cursor"]),
    *(
        ({"cursor": cursor_at(moment)}, ["admin.activity.invalid_cursor"])
        for moment in ("2026-01-01", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59")
    ),
    ({"format": "xml"}, ["admin.activity.invalid_format"]),
    ({"topic": "x" * 2000}, ["invalid"]),
    ({"action": "a\x01b"}, ["invalid"]),
    ({"uid": "a\nb"}, ["invalid"]),
]
ADMINS_ONLY: list[tuple[dict[str, Any], list[str]]] = [
    ({"range": "updated"}, ["admin.activity.invalid_range"]),
    ({"range": ""}, ["admin.activity.invalid_range"]),
    ({"target_uid": "x" * 2000}, ["invalid"]),
]


@pytest.mark.parametrize(
    ("path", "params", "codes"),
    [(USERS, *row) for row in BOTH] + [(ADMINS, *row) for row in BOTH + ADMINS_ONLY],
)
async def test_refused(admin: Client, path: str, params: dict[str, Any], codes: list[str]) -> None:
    answer = await admin.get(path, params=params)
    assert (answer.status, answer.errors) == (422, codes)


def an_activity(**changes: Any) -> Activity:
    """A user's, by somebody nobody else is."""
    fields: dict[str, Any] = {
        "category": "user",
        "uid": f"ID{secrets.token_hex(5).upper()}",
        "user_ip": "198.51.100.7",
        "user_agent": "browser",
        "topic": "session",
        "action": "login",
        "result": "succeed",
    }
    return Activity(**{**fields, **changes})


async def record(system: Installation, *activities: Activity) -> None:
    """Tells admin-svc of them, as gateways do without a broker."""
    async with admin_of(system) as internal:
        await asyncio.gather(*map(internal.record, activities))


async def ids(admin: Client, path: str = USERS, **params: Any) -> list[str]:
    """The ids of what is found, in order."""
    answer = await admin.get(path, params={"format": "jsonl", **params})
    assert answer.status == 200
    return [json.loads(line)["id"] for line in answer.body.splitlines()]


def told(activities: Iterable[Activity]) -> list[str]:
    """Their ids, the newest first."""
    ordered = sorted(activities, key=lambda each: (each.created_at, each.id), reverse=True)
    return [str(each.id) for each in ordered]


async def test_each_filter_finds_what_it_is_for(
    admin: Client, client: Client, system: Installation
) -> None:
    uid = (await client.become_member()).body["uid"]
    now = datetime.now(UTC).replace(microsecond=0)
    mine = [
        an_activity(uid=uid, topic="probe", action="one", created_at=now - timedelta(hours=3)),
        an_activity(uid=uid, topic="probe", action="two", created_at=now - timedelta(hours=2)),
        an_activity(
            uid=uid, topic="other probe", result="failed", created_at=now - timedelta(hours=1)
        ),
    ]
    await record(system, *mine, an_activity(topic="probe", action="one"))
    first, second, third = mine
    hour = int((now - timedelta(hours=2)).timestamp())

    async def known() -> bool:
        return bool((await admin.get("admin/users", params={"uid": uid})).body)

    assert await until(known)
    for params, expected in (
        ({"topic": "probe"}, [first, second]),
        ({"action": "two"}, [second]),
        ({"result": "failed"}, [third]),
        ({"from": hour, "topic": "probe"}, [second]),
        ({"to": hour}, [first]),
        ({"from": hour - 1, "to": hour + 1}, [second]),
        ({"topic": "probe", "action": "", "email": "", "from": ""}, [first, second]),
        ({"email": client.email.upper(), "action": "two"}, [second]),
        ({"email": "somebody@example.com"}, []),
        ({"topic": "%"}, []),
        ({"topic": "PROBE"}, []),
    ):
        assert await ids(admin, uid=uid, **params) == told(expected), params
    found = await admin.get(USERS, params={"email": client.email, "topic": "probe"})
    assert (found.headers["Total"], len(found.body)) == ("2", 2)
    other = await admin.get(USERS, params={"email": client.email, "uid": "ID0"})
    assert (other.headers["Total"], other.body) == ("0", [])


async def test_what_users_did(admin: Client, client: Client) -> None:
    uid = (await client.become_member()).body["uid"]

    async def recorded() -> Answer | None:
        answer = await admin.get(USERS, params={"uid": uid})
        return answer if answer.body and answer.body[0]["user"]["email"] else None

    answer = await until(recorded)
    assert answer is not None
    [activity] = answer.body
    assert list(activity) == [
        *("user_ip", "user_agent", "topic", "action", "result", "data", "user", "created_at"),
    ]
    assert (activity["topic"], activity["action"]) == ("account", "signup")
    assert list(activity["user"]) == [
        *("email", "uid", "role", "level", "otp", "state", "referral_uid", "data"),
    ]
    assert activity["user"]["email"] == client.email
    assert len(activity["created_at"]) == len("2026-11-22T10:11:43Z")
    assert {"Page": "1", "Per-Page": "100", "Total": "1"}.items() <= answer.headers.items()


async def test_what_administrators_did_and_were_refused(
    admin: Client, client: Client, system: Installation
) -> None:
    uid = (await client.become_member()).body["uid"]
    marker = secrets.token_hex(8)
    query = {"user_uid": uid, "marker": marker, "password": "hunter2"}
    refused = await client.get("admin/users", params=query)
    assert (refused.status, refused.errors) == (401, ["authz.invalid_permission"])
    form = {"role": "member", "verb": "get", "path": f"api/v2/{marker}", "action": "accept"}
    assert (await admin.post("admin/permissions", form)).status == 201

    async def recorded() -> list[dict[str, Any]]:
        found = (await admin.get(ADMINS)).body
        mine = [each for each in found if marker in (each["data"] or "")]
        return mine if len(mine) == 2 else []

    let_pass, denied = await until(recorded)
    assert list(denied) == [
        *("user_ip", "user_agent", "topic", "action", "result", "data"),
        *("admin", "target", "created_at"),
    ]
    assert (denied["topic"], denied["action"], denied["result"]) == ("users", "read", "denied")
    assert json.loads(denied["data"]) == {
        "user_uid": uid,
        "marker": marker,
        "path": "api/v2/barong/admin/users",
    }
    assert (denied["admin"]["uid"], denied["target"]["uid"]) == (uid, uid)
    assert (let_pass["topic"], let_pass["action"]) == ("permissions", "create")
    assert (let_pass["result"], let_pass["target"]) == ("succeed", None)
    assert let_pass["admin"]["role"] == "superadmin"
    assert json.loads(let_pass["data"]) == {
        **{name: value for name, value in form.items() if name != "path"},
        "parameters.path": form["path"],
        "path": "api/v2/barong/admin/permissions",
    }
    assert len(await ids(admin, ADMINS, target_uid=uid)) == 1
    assert len(await ids(admin, ADMINS, target_uid=uid, uid=uid, email=client.email)) == 1
    assert await ids(admin, ADMINS, target_uid=uid, topic="permissions") == []


@pytest.mark.parametrize("role", ["admin", "accountant", "compliance", "technical", "support"])
async def test_only_a_superadmin_sees_what_administrators_did(
    client: Client, system: Installation, role: str
) -> None:
    uid = (await client.become_member()).body["uid"]
    async with tables_of_identity(system) as tables:
        await tables.execute("UPDATE users SET role = $2 WHERE uid = $1", uid, role)
    await client.log_in()

    assert (await client.get(USERS)).status == 200
    for path in (ADMINS, f"{ADMINS}?format=csv", f"{USERS}/admin/"):
        answer = await client.get(path)
        assert (answer.status, answer.errors) == (401, ["authz.invalid_permission"])


@pytest.mark.parametrize(("path", "category"), [(USERS, "user"), (ADMINS, "admin")])
async def test_pages_and_cursors_show_all_and_nothing_twice(
    admin: Client, system: Installation, path: str, category: str
) -> None:
    uid = an_activity().uid
    moment = datetime.now(UTC)
    # Some of one moment: the order among them is that of their ids.
    mine = [
        an_activity(uid=uid, category=category, created_at=moment - timedelta(seconds=n // 3))
        for n in range(10)
    ]
    await record(system, *mine)
    everything = await ids(admin, path, uid=uid)
    assert everything == told(mine)

    by_page = [
        (await admin.get(path, params={"uid": uid, "limit": 3, "page": page}))
        for page in range(1, 5)
    ]
    assert [len(page.body) for page in by_page] == [3, 3, 3, 1]
    assert {page.headers["Total"] for page in by_page} == {"10"}
    assert 'rel="next"' in by_page[0].headers["Link"]
    answer = by_page[0]
    by_cursor = [*answer.body]
    while cursor := answer.headers.get("Next-Cursor"):
        params = {"uid": uid, "limit": 3, "cursor": cursor}
        answer = await admin.get(path, params=params)
        # What is recorded meanwhile moves nothing.
        await record(system, an_activity(uid=uid, category=category))
        assert "Total" not in answer.headers
        by_cursor += answer.body
    assert by_cursor == [each for page in by_page for each in page.body]


async def test_exports(admin: Client, system: Installation) -> None:
    uid = an_activity().uid
    first = an_activity(uid=uid, data='{"reason":"a,\\"b\\"\\nc"}', target_uid="ID0")
    second = an_activity(uid=uid, user_agent="=HYPERLINK(1)")
    await record(system, first, second)

    as_csv = await admin.get(USERS, params={"uid": uid}, headers={"Accept": "text/csv"})
    assert as_csv.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="activities.csv"' in as_csv.headers["Content-Disposition"]
    assert as_csv.body.startswith("\ufeff")  # by which spreadsheet programs know UTF-8
    rows = list(csv.DictReader(io.StringIO(as_csv.body[1:], newline="")))
    assert [row["id"] for row in rows] == told([first, second])
    assert rows[0]["user_agent"] == "'=HYPERLINK(1)"
    assert rows[1]["data"] == first.data
    as_lines = await admin.get(USERS, params={"uid": uid, "format": "jsonl"})
    assert as_lines.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in as_lines.body.splitlines()]
    assert [line["id"] for line in lines] == told([first, second])
    assert (lines[0]["user_agent"], lines[1]["target_uid"]) == ("=HYPERLINK(1)", "ID0")
    for params in ({"format": "csv"}, {"format": "jsonl"}):
        empty = await admin.get(USERS, params={"uid": "ID0", **params})
        assert (empty.status, len(empty.body.splitlines())) == (
            200,
            1 if "csv" in str(params) else 0,
        )
        head = await admin.call("HEAD", USERS, params={"uid": uid, **params})
        assert (head.status, head.body) == (200, "")


async def test_told_twice_and_in_any_order_it_is_kept_once(
    admin: Client, system: Installation
) -> None:
    uid = an_activity().uid
    moment = datetime.now(UTC)
    mine = [an_activity(uid=uid, created_at=moment - timedelta(minutes=n)) for n in range(20)]
    shuffled = mine * 3
    random.shuffle(shuffled)
    await record(system, *shuffled)

    assert await ids(admin, uid=uid) == told(mine)


@pytest.mark.parametrize(
    "changes",
    [
        {"category": "other"},
        {"result": "maybe"},
        {"id": "1"},
        {"created_at": "2026-11-22T10:00:00"},
        {"created_at": "yesterday"},
        {"uid": None},
        {"data": 7},
    ],
)
async def test_what_is_no_activity_is_refused(
    system: Installation, changes: Mapping[str, Any]
) -> None:
    async with admin_of(system) as internal:
        body = {"activity": {**an_activity().to_internal(), **changes}}
        with pytest.raises(Exception) as refused:  # noqa: PT011
            await internal.call("POST", "/activities", body)
    assert type(refused.value).__name__ == "Invalid"


# The service makes the months to come; any other is made when something of it is told.
async def test_the_borders_of_months(system_of_my_own: Installation) -> None:
    system = system_of_my_own
    uid = an_activity().uid
    borders = [
        datetime(2025, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 2, 28, 23, 59, 59, 999_999, UTC),
        datetime(2026, 3, 1, tzinfo=UTC),
        datetime.now(UTC),
        datetime.now(UTC) + timedelta(days=400),
    ]
    mine = [an_activity(uid=uid, created_at=moment) for moment in borders]
    async with started(system), Client(system) as admin:
        await admin.log_in_as_superadmin()
        await record(system, *mine, *mine, *reversed(mine))

        assert await ids(admin, uid=uid) == told(mine)
        span: dict[str, Any] = {
            "from": int(borders[1].timestamp()),
            "to": int(borders[3].timestamp()),
        }
        assert await ids(admin, uid=uid, **span) == told(mine[1:3])
    async with tables_of_admin(system) as tables:
        counted = {
            row["name"]: row["rows"]
            for row in await tables.fetch(
                "SELECT tableoid::regclass::text AS name, count(*) AS rows"
                " FROM activities WHERE uid = $1 GROUP BY 1",
                uid,
            )
        }
    assert {name: n for name, n in counted.items() if name < "activities_y2026m04"} == {
        "activities_y2025m12": 1,
        "activities_y2026m01": 1,
        "activities_y2026m02": 1,
        "activities_y2026m03": 1,
    }


async def partitions(system: Installation) -> list[str]:
    """The months that there are."""
    async with tables_of_admin(system) as tables:
        rows = await tables.fetch(
            "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
            " WHERE inhparent = 'activities'::regclass ORDER BY 1"
        )
    return [row["name"] for row in rows]


async def test_old_months_are_dropped_and_months_to_come_are_made(
    system_of_my_own: Installation,
) -> None:
    system = system_of_my_own
    environment = {**system.environments["admin"], "BARONG_ACTIVITIES_KEEP_MONTHS": "2"}
    now = datetime.now(UTC)
    this_month = now.year * 12 + now.month - 1

    def name(months: int) -> str:
        year, month = divmod(this_month + months, 12)
        return f"activities_y{year}m{month + 1:02}"

    def moment(months: int) -> datetime:
        year, month = divmod(this_month + months, 12)
        return datetime(year, month + 1, 15, tzinfo=UTC)

    made = await command("admin_svc", "partitions", environment)
    assert made.splitlines()[-4:] == [f"made {name(months)}" for months in range(4)]
    kept = [an_activity(uid="IDKEPT", created_at=moment(months)) for months in (0, -1, -2)]
    old = [an_activity(uid="IDKEPT", created_at=moment(months)) for months in (-3, -5)]
    async with started(system), Client(system) as admin:
        await admin.log_in_as_superadmin()
        await record(system, *kept, *old)
        assert await ids(admin, uid="IDKEPT") == told([*kept, *old])

        dropped = await command("admin_svc", "partitions", environment)
        assert [
            line for line in dropped.splitlines() if line.startswith(("made ", "dropped "))
        ] == [
            f"dropped {name(-5)}",
            f"dropped {name(-3)}",
        ]
        assert await ids(admin, uid="IDKEPT") == told(kept)
        assert await partitions(system) == sorted(name(months) for months in range(-2, 4))
        again = await command("admin_svc", "partitions", environment)
        assert "dropped" not in again
        assert "made " not in again


async def test_who_needs_the_whole_table_waits_for_others_only_so_long(
    database: TestDatabase,
) -> None:
    admin = Database(database.dsns["admin"], "admin")
    month = Month.of(datetime.now(UTC)).plus(100)
    activities = activities_over(admin)
    async with admin.opened():
        async with admin.transaction() as holder:
            await holder.execute("LOCK TABLE activities")
            gave_up = await asyncio.gather(
                activities.partitions.make(month),
                activities.erase("ID1"),
                return_exceptions=True,
            )
        assert list(map(type, gave_up)) == [Unavailable, Unavailable]
        assert await activities.partitions.make(month)
        await activities.erase("ID1")


async def test_months_are_made_once_however_many_make_them(system_of_my_own: Installation) -> None:
    system = system_of_my_own
    far = datetime.now(UTC) + timedelta(days=1000)
    mine = [an_activity(uid="IDFAR", created_at=far + timedelta(days=n)) for n in range(0, 90, 9)]
    second = system.beside()
    async with (
        started(system),
        started(second, "identity", "admin"),
        Client(system) as admin,
        admin_of(system) as one,
        admin_of(second) as other,
    ):
        await admin.log_in_as_superadmin()
        await asyncio.gather(*(to.record(each) for each in mine for to in (one, other)))
        assert await ids(admin, uid="IDFAR") == told(mine)
