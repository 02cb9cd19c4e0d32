"""GET /admin/metrics/recent: what is counted by hour, whatever order events come in."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from admin_svc.directory.use_cases import Directory
from admin_svc.metrics.models import Interval
from admin_svc.metrics.use_cases import Metrics
from admin_svc.schema import MIGRATIONS, SCHEMA
from shared.contracts.activities import RESULTS, Activity, Result
from shared.contracts.attachments import LABELS, AttachmentSnapshot
from shared.contracts.users import User
from shared.database.pool import Database
from tests.support.admin_features import activities_over, directory_over
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.system import Installation, started
from tests.support.waiting import until

RECENT = "admin/metrics/recent"
HOUR = timedelta(hours=1)
FIRST, SECOND = (
    file.read_text().partition("-- migrate:down")[0]
    for file in sorted(MIGRATIONS[1].glob("*_hourly_counts*.sql"))
)
"""The migrations that bring the counts."""


def of_hour(back: int) -> datetime:
    """The beginning of an hour that is so many hours ago."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - back * HOUR


async def test_what_happens_is_counted(system_of_my_own: Installation) -> None:
    """In a system where nothing else happens, so that all numbers are exact."""
    system = system_of_my_own
    async with (
        started(system, "identity", "resource", "admin", "gateway", "mailer"),
        Client(system) as admin,
        Client(system) as member,
    ):
        assert (await admin.log_in_as_superadmin()).status == 201
        uid = (await member.become_member()).body["uid"]
        assert (await member.log_in()).status == 201
        assert (await member.get("admin/users")).status == 401
        async with Client(system) as thief:
            assert (await thief.log_in(member.email, "Wr0ng-by-night-train")).status == 401
        label = {"uid": uid, "key": "document", "value": "pending", "scope": "private"}
        assert (await admin.post("admin/users/labels", label)).status == 201

        async def counted() -> bool:
            found = (await admin.get(RECENT)).body
            return all(
                sum(each["signups"] for each in found[period]) == 1
                and sum(each["successful_logins"] for each in found[period]) == 2
                and sum(each["failed_logins"] for each in found[period]) == 1
                and sum(each["denied_calls"] for each in found[period]) == 1
                and found[period][-1]["pending_reviews"] == 1
                for period in ("hours", "days")
            )

        assert await until(counted)
        found = (await admin.get(RECENT)).body
        hours = [datetime.fromisoformat(each["start"]) for each in found["hours"]]
        days = [datetime.fromisoformat(each["start"]) for each in found["days"]]
        assert hours == [hours[0] + at * HOUR for at in range(24)]
        assert days == [days[0] + at * 24 * HOUR for at in range(7)]
        assert (days[-1].hour, hours[-1].date()) == (0, days[-1].date())

        label = {**label, "value": "verified"}
        assert (await admin.post("admin/users/labels/update", label)).status == 201
        assert (await admin.get(RECENT)).body["hours"][-1]["pending_reviews"] == 0
        refused = await member.get(RECENT)
        assert (refused.status, refused.errors) == (401, ["authz.invalid_permission"])


@pytest.fixture
async def pool(database: TestDatabase) -> AsyncIterator[Database]:
    opened = Database(database.dsns["admin"], SCHEMA)
    async with opened.opened():
        yield opened


@pytest.fixture
def directory(pool: Database) -> Directory:
    return directory_over(pool)


@pytest.fixture
def metrics(pool: Database, directory: Directory) -> Metrics:
    return Metrics(pool, activities_over(pool), directory)


def an_activity(at: datetime, action: str = "login", result: Result = "succeed") -> Activity:
    topic, category = "account" if action == "signup" else "session", "user"
    if result == "denied":
        topic, category = "permissions", "admin"
    given: dict[str, Any] = {"category": category, "topic": topic, "action": action}
    return Activity(
        uid="ID1", user_ip="192.0.2.1", user_agent="", result=result, created_at=at, **given
    )


def happened(intervals: list[Interval]) -> dict[datetime, dict[str, int]]:
    """What was counted, without intervals in which nothing happened."""
    found = {
        each.start: {metric: number for metric, number in each.counts.items() if number}
        for each in intervals
    }
    return {start: counts for start, counts in found.items() if counts}


async def test_repeated_and_late_activities_are_counted_once_where_they_belong(
    metrics: Metrics,
) -> None:
    near, far = of_hour(3), of_hour(60)
    begins, ends = timedelta(0), HOUR - timedelta(microseconds=1)
    activities = [
        an_activity(near + begins, "login"),
        an_activity(near + ends, "login::2fa"),
        an_activity(near + ends, "login", "failed"),
        an_activity(near + ends, "read", "denied"),
        an_activity(near + begins, "logout"),
        an_activity(far + ends, "signup"),
        an_activity(far + begins, "login::2fa", "failed"),
        an_activity(far + begins, "signup", "failed"),
        an_activity(of_hour(24 * 8), "signup"),
    ]
    for activity in reversed(activities):
        await metrics.activities.record(activity)
    await metrics.activities.record(*activities)
    expected = {
        near: {"successful_logins": 2, "failed_logins": 1, "denied_calls": 1},
        far: {"signups": 1, "failed_logins": 1},
    }
    for _ in range(2):
        recent = await metrics.get_recent()
        assert happened(list(recent.hours)) == {near: expected[near]}
        days = happened(list(recent.days))
        assert days == by_day(expected)
        await metrics.fold()
    async with metrics.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM hourly_count_changes") == 0


def by_day(hours: dict[datetime, dict[str, int]]) -> dict[datetime, dict[str, int]]:
    """The same by day."""
    days: dict[datetime, dict[str, int]] = {}
    for hour, counts in hours.items():
        day = days.setdefault(hour.replace(hour=0), {})
        for metric, number in counts.items():
            day[metric] = day.get(metric, 0) + number
    return days


async def test_days_and_hours_count_the_same(metrics: Metrics) -> None:
    """The trigger's rules are those of the daily counts of /admin/metrics."""
    for result in RESULTS:
        for action in ("login", "login::2fa", "logout", "signup"):
            for category in ("user", "admin"):
                activity = an_activity(datetime.now(UTC), action, result)
                await metrics.activities.record(
                    Activity(**{**_fields(activity), "category": category, "topic": "session"}),
                    Activity(**{**_fields(activity), "category": category, "topic": "account"}),
                )
    day = await metrics.get(None, None)
    recent = await metrics.get_recent()
    for metric, counts in day.counts.items():
        assert sum(counts.values()) == sum(each.counts[metric] for each in recent.days) > 0
    assert sum(each.counts["denied_calls"] for each in recent.days) == 16


def _fields(activity: Activity) -> dict[str, Any]:
    names = ("uid", "user_ip", "user_agent", "action", "result", "created_at")
    return {"id": uuid.uuid4(), **{name: getattr(activity, name) for name in names}}


def a_user(uid: str) -> User:
    now = datetime.now(UTC)
    return User(
        uid=uid,
        version=1,
        email=f"{uid}@example.com",
        role="member",
        level=1,
        otp=False,
        state="active",
        referral_uid=None,
        data=None,
        created_at=now,
        updated_at=now,
    )


def labels(uid: str, version: int, value: str) -> AttachmentSnapshot:
    now = datetime.now(UTC).isoformat()
    label = {"scope": "private", "key": "document", "value": value, "description": None}
    return AttachmentSnapshot(
        uid=uid,
        kind=LABELS,
        version=version,
        records=[{**label, "created_at": now, "updated_at": now}],
    )


async def upsert(directory: Directory, *snapshots: AttachmentSnapshot) -> None:
    async with directory.database.transaction() as connection:
        users = [a_user(snapshot.uid) for snapshot in snapshots]
        await directory.upsert(connection, users, snapshots)


async def as_of(metrics: Metrics, hour: datetime) -> None:
    """What is not folded yet becomes that of this hour."""
    async with metrics.database.connection() as connection:
        await connection.execute("UPDATE hourly_count_changes SET hour = $1", hour)


async def test_how_many_waited_is_known_of_each_hour(
    metrics: Metrics, directory: Directory
) -> None:
    """Three come, one is judged, one is erased; every event comes twice, and an old one late."""
    now = of_hour(0)
    async with metrics.database.connection() as connection:
        await connection.execute("UPDATE hourly_counts SET hour = $1", now - 6 * HOUR)
    for uid in ("ID1", "ID2"):
        for _ in range(2):
            await upsert(directory, labels(uid, 5, "pending"))
    await as_of(metrics, now - 4 * HOUR)
    await metrics.fold()
    await upsert(directory, labels("ID3", 5, "replaced"), labels("ID1", 7, "verified"))
    await upsert(directory, labels("ID1", 6, "pending"))
    await upsert(directory, labels("ID1", 7, "verified"))
    await as_of(metrics, now - 3 * HOUR)
    await metrics.fold()
    await upsert(directory, labels("ID4", 5, "pending"))
    await as_of(metrics, now - 2 * HOUR)
    await metrics.fold()
    for _ in range(2):
        async with metrics.database.transaction() as connection:
            await directory.erase(connection, "ID2")
        await upsert(directory, labels("ID2", 9, "pending"))
    await as_of(metrics, now)
    expected = [None, None, 0, 0, 2, 2, 3, 3, 2]
    for _ in range(2):  # before and after folding
        recent = await metrics.get_recent()
        waited = {each.start: each.waiting for each in recent.hours}
        assert [waited[now - back * HOUR] for back in range(8, -1, -1)] == expected
        assert recent.days[-1].waiting == 2
        await metrics.fold()


async def test_an_upgrade_counts_what_was_stored_before(metrics: Metrics) -> None:
    """As on a database of the release before: without triggers and counts."""
    async with metrics.database.transaction() as connection:
        await connection.execute(
            """
            DROP TRIGGER activities_count_insert ON activities;
            DROP FUNCTION count_activities, counted_as;
            DROP TABLE hourly_counts, hourly_count_changes;
            """
        )
    near, far = of_hour(3), of_hour(60)
    await metrics.activities.record(
        *(an_activity(near, "read", "denied") for _ in range(3)), an_activity(far)
    )
    await upgrade(metrics, FIRST)
    await metrics.activities.record(an_activity(near, "read", "denied"))
    await upgrade(metrics, SECOND)
    await metrics.activities.record(an_activity(near, "read", "denied"))
    recent = await metrics.get_recent()
    expected = {near: {"denied_calls": 5}, far: {"successful_logins": 1}}
    assert happened(list(recent.days)) == by_day(expected)
    assert recent.hours[-1].waiting == 0


async def upgrade(metrics: Metrics, migration: str) -> None:
    async with metrics.database.transaction() as connection:
        await connection.execute(migration)
