"""Lists of activities that are longer than they are counted, up to their very end."""

import re
from collections.abc import AsyncIterator

import pytest

from admin_svc.activities.models import ActivityFilter, FoundPage, PageTooDeep
from admin_svc.activities.partitions import TABLE
from admin_svc.activities.use_cases import Activities
from shared.database.partitions import MonthlyPartitions
from shared.database.pool import Connection, Database
from shared.values.totals import Total
from tests.support.admin_features import activities_over
from tests.support.client import Answer, Client
from tests.support.database import TestDatabase
from tests.support.internal import tables_of_admin
from tests.support.system import Installation, started

LOGINS = ActivityFilter(category="user", topic="session", action="login")
USERS, OWN = "admin/activities", "resource/users/activity/session"


@pytest.fixture
async def schema(database: TestDatabase) -> AsyncIterator[Database]:
    """The schema of an admin-svc of the test's own, with the partitions that are needed now."""
    made = Database(database.dsns["admin"], "admin")
    async with made.opened():
        await MonthlyPartitions(made, TABLE).make_ahead()
        yield made


async def log_ins(connection: Connection, uid: str, number: int) -> None:
    """So many log-ins of one user, and as many of other activities of others, from now on.

    Who, topic and action go together, which the planner does not know: it expects an eighth.
    """
    await connection.execute(
        """
        INSERT INTO activities (
            id, created_at, category, uid, topic, action, result, user_ip, user_agent
        )
        SELECT gen_random_uuid(), now() + make_interval(secs => n / 1000.0), 'user', who, topic,
               action, 'succeed', '198.51.100.7', 'browser'
        FROM generate_series(1, $2) AS n,
             (VALUES ($1, 'session', 'login'), ('IDOTHER', 'otp', 'enable 2FA'))
                 AS done (who, topic, action)
        """,
        uid,
        number,
    )
    await connection.execute("ANALYZE activities")


async def fill(schema: Database, number: int) -> None:
    async with schema.connection() as connection:
        await log_ins(connection, "IDBUSY", number)


async def pages(activities: Activities, limit: int) -> list[FoundPage]:
    """One page after the other, as long as there is said to be another."""
    found = [await activities.list_page(LOGINS, None, limit, 0)]
    while found[-1].goes_on:
        found.append(await activities.list_page(LOGINS, None, limit, limit * len(found)))
    return found


@pytest.mark.parametrize("limit", [50, 60])
async def test_pages_lead_to_the_end_however_long_the_list(schema: Database, limit: int) -> None:
    await fill(schema, 900)
    found = await pages(activities_over(schema, exact=100), limit)

    assert {page.total for page in found} == {Total(100, exact=False)}
    ids = [each.activity.id for page in found for each in page.activities]
    assert len(ids) == len(set(ids)) == 900
    assert len(found) == 900 // limit


async def test_no_page_leads_to_one_that_lies_too_deep(schema: Database) -> None:
    await fill(schema, 900)
    activities = activities_over(schema, exact=100, deepest=600)
    found = await pages(activities, 50)

    assert len(found) == 13
    assert len(found[-1].activities) == 50
    with pytest.raises(PageTooDeep):
        await activities.list_page(LOGINS, None, 50, 650)


@pytest.mark.parametrize(
    ("exact", "total"), [(899, Total(899, exact=False)), (900, Total(900)), (901, Total(900))]
)
async def test_a_total_is_exact_or_a_bound(schema: Database, exact: int, total: Total) -> None:
    await fill(schema, 900)
    activities = activities_over(schema, exact=exact)

    assert (await activities.list_page(LOGINS, None, 50, 0)).total == total
    beyond = await activities.list_page(LOGINS, None, 50, 900)
    assert (beyond.activities, beyond.total, beyond.goes_on) == ([], total, False)


def links(answer: Answer) -> dict[str, int]:
    """The pages that an answer leads to."""
    found = re.findall(r'<[^>]*[?&]page=(\d+)[^>]*>; rel="(\w+)"', answer.headers.get("Link", ""))
    return {name: int(page) for page, name in found}


async def test_behind_what_is_counted_administrators_and_users_still_see_pages(
    system_of_my_own: Installation,
) -> None:
    system = system_of_my_own
    async with started(system), Client(system) as admin, Client(system) as member:
        await admin.log_in_as_superadmin()
        uid = (await member.become_member()).body["uid"]
        async with tables_of_admin(system) as tables:
            await log_ins(tables, uid, 20_150)
        filters = {"uid": uid, "topic": "session", "action": "login"}
        for client, path, params in ((admin, USERS, filters), (member, OWN, {})):
            for page, shown, expected in (
                (1, 100, {"next": 2}),
                (201, 100, {"first": 1, "prev": 200, "next": 202}),
                (300, 0, {"first": 1, "prev": 299}),
                (10_001, 0, {"first": 1, "prev": 10_000}),
            ):
                answer = await client.get(path, params={**params, "page": page})
                assert (answer.status, len(answer.body)) == (200, shown), (path, page)
                assert links(answer) == expected, (path, page)
                assert answer.headers["Total"] == "20000"
                assert answer.headers["Total-Relation"] == "gt"
            # The member has logged in once or twice as well.
            last = await client.get(path, params={**params, "page": 202})
            assert 50 <= len(last.body) < 60
            assert links(last) == {"first": 1, "prev": 201}
        none = await admin.get(USERS, params={**filters, "result": "denied"})
        assert (none.headers["Total"], "Total-Relation" in none.headers) == ("0", False)
