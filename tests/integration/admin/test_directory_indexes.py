"""Whatever is asked of the directory is found by an index."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from admin_svc.directory.models import (
    CREATED_AT,
    EMAIL,
    UPDATED_AT,
    WAITING_SINCE,
    Found,
    Order,
    Page,
    UserFilter,
)
from admin_svc.directory.use_cases import BOUND, Directory
from admin_svc.schema import SCHEMA
from shared.database.pool import Connection, Database
from tests.bench.generated_directory import generate
from tests.support.admin_features import directory_over
from tests.support.database import TestDatabase
from tests.support.waiting import until

USERS = 20_000
NOW = datetime.now(UTC)
YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
async def own(database_template: TestDatabase) -> TestDatabase:
    """A database with a large directory."""
    made = await database_template.clone()
    await generate(made, USERS)
    return made


@pytest.fixture(scope="module")
async def directory(own: TestDatabase) -> AsyncIterator[Directory]:
    """The directory, read over one connection."""
    database = Database(own.dsns["admin"], SCHEMA, max_connections=1)
    async with database.opened():
        directory = directory_over(database)
        await directory.counts.fold()
        yield directory


FILTERS = [
    UserFilter(),
    UserFilter(uid="ID0000100007"),
    UserFilter(email="Nobody@example.com"),
    *(UserFilter(role=role) for role in ("member", "trader", "admin", "nobody")),
    *(UserFilter(state=state) for state in ("active", "pending", "banned", "nowhere")),
    *(UserFilter(level=level) for level in (0, 3, 9)),
    UserFilter(role="trader", state="banned"),
    UserFilter(state="pending", level=3),
    UserFilter(level=1, role="broker"),
    UserFilter(role="member", state="active", level=2),
    *(UserFilter(country=country) for country in ("DE", "SE", "XX")),
    *(UserFilter(first_name=name) for name in ("kaka", "biri", "nobody")),
    *(UserFilter(last_name=name) for name in ("kakaka", "nobody")),
    UserFilter(first_name="Kaka", last_name="Kakaka", country="DE", state="active"),
    UserFilter(created_from=NOW - 2 * YEAR, created_to=NOW - YEAR),
    UserFilter(created_from=NOW - 2 * YEAR, country="DE", role="member"),
    UserFilter(created_to=NOW - 2 * YEAR, level=2),
    UserFilter(created_from=NOW - timedelta(days=2)),
    UserFilter(updated_from=NOW - timedelta(days=2)),
    UserFilter(updated_from=NOW - 2 * YEAR, updated_to=NOW - YEAR, role="trader"),
    *(UserFilter(q=q) for q in ("gmail", "repeli", "kaka kak", "k", "la", "zzz", ".com", "re%")),
    UserFilter(q="repeli", role="member", country="DE"),
    UserFilter(label=("private", "document", "pending")),
    UserFilter(label=("public", "nothing", "nowhere")),
]


async def scans(directory: Directory) -> dict[str, int]:
    """How often each of the large tables was read from end to end."""
    async with directory.database.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        rows = await connection.fetch(
            """
            SELECT relname, seq_scan
            FROM pg_stat_user_tables
            WHERE schemaname = $1 AND relname IN ('users', 'attachments', 'profile_positions')
            """,
            SCHEMA,
        )
    return {row["relname"]: row["seq_scan"] for row in rows}


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("wanted", FILTERS)
async def test_no_list_reads_a_table_from_end_to_end(
    directory: Directory, wanted: UserFilter, waiting: bool
) -> None:
    wanted = replace(wanted, waiting=waiting)
    before = await scans(directory)
    for by in (CREATED_AT, UPDATED_AT, EMAIL, *([WAITING_SINCE] if waiting else [])):
        for descending in (False, True):
            page = Page(Order(by, descending), 100)
            found = await directory.list_users(wanted, page)
            assert _is_right(found, page)
            if found.next:
                await directory.list_users(wanted, replace(page, after=found.next))
    assert await scans(directory) == before


def _is_right(found: Found, page: Page) -> bool:
    """Whether the page is as long as the total says."""
    if not found.total.exact:
        return found.total.number == BOUND and len(found.users) == page.limit
    return len(found.users) == min(found.total.number, page.limit)


async def test_neither_does_the_list_of_profiles(directory: Directory) -> None:
    before = await scans(directory)
    page, total = await directory.list_profiles(100, 5000)
    assert (len(page), total > USERS / 2) == (100, True)
    assert await scans(directory) == before


async def test_scans_would_be_seen(directory: Directory) -> None:
    before = await scans(directory)
    async with directory.database.connection() as connection:
        await connection.fetchval("SELECT count(*) FROM users WHERE data = 'x'")
    assert (await scans(directory))["users"] > before["users"]


@pytest.mark.parametrize("wanted", FILTERS)
async def test_totals_are_what_a_count_says(directory: Directory, wanted: UserFilter) -> None:
    found = await directory.list_users(wanted, Page(Order(), 100))
    number = await _counted(directory, wanted)
    if found.total.exact:
        assert found.total.number == number
    else:
        assert found.total.number < number


async def _counted(directory: Directory, wanted: UserFilter) -> int:
    """Walks the whole list by cursor."""
    after, number = None, 0
    while True:
        found = await directory.list_users(wanted, Page(Order(), 5000, 0, after))
        number += len(found.users)
        after = found.next
        if after is None:
            return number


async def test_a_walk_that_takes_too_long_is_given_up_for_the_other_way(
    directory: Directory, own: TestDatabase
) -> None:
    wanted, page = UserFilter(), Page(Order(), limit=3, offset=0)
    expected = await directory.list_users(wanted, page)
    async with holding_users(own) as holder:
        finding = asyncio.create_task(directory.list_users(wanted, page))

        async def goes_the_other_way() -> bool:
            await holder.execute("SELECT pg_stat_clear_snapshot()")
            waiting = await holder.fetchval(
                """
                SELECT count(*)
                FROM pg_stat_activity
                WHERE wait_event_type = 'Lock' AND query LIKE '%WITH found%'
                """
            )
            return bool(waiting)

        await until(goes_the_other_way)
    assert await finding == expected


@asynccontextmanager
async def holding_users(own: TestDatabase) -> AsyncIterator[Connection]:
    """Nobody reads a user meanwhile."""
    database = Database(own.dsns["admin"], SCHEMA, max_connections=1)
    async with database.opened(), database.transaction() as connection:
        await connection.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        yield connection
