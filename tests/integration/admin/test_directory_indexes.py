"""Whatever is asked of the directory is found by an index."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
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
from admin_svc.schema import MIGRATIONS, SCHEMA
from shared.database.planning import plan_each_query
from shared.database.pool import Connection, Database
from tests.bench.generated_directory import generate
from tests.support.admin_features import directory_over
from tests.support.database import TestDatabase
from tests.support.system import ROOT
from tests.support.waiting import until

UPGRADES = (ROOT / "docs/operators/upgrades.md").read_text()
(_FILE,) = MIGRATIONS[1].glob("*_one_search_index.sql")
ONE_INDEX = _FILE.read_text().partition("-- migrate:down")[0]
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


async def test_a_text_and_facets_are_found_by_one_index(directory: Directory) -> None:
    """Two indexes would be read from end to end, and their bitmaps compared."""
    async with directory.database.transaction() as connection:
        await plan_each_query(connection, by_index=True)
        plan = await connection.fetch(
            r"""
            EXPLAIN SELECT FROM users
            WHERE facets @> '{country:DE}' AND E'\n' || lower(email) || E'\n' || names LIKE '%kar%'
            """
        )
    scans = [row[0] for row in plan if "Index Scan" in row[0]]
    assert len(scans) == 1
    assert "users_facets_search_idx" in scans[0]


async def test_an_index_that_was_made_before_the_upgrade_is_taken(database: TestDatabase) -> None:
    """Made by the statement of the documentation, on the schema of the release before."""
    (made_before,) = re.findall(
        r"```sql\n(SET .*?users_facets_search_idx.*?)```", UPGRADES, re.DOTALL
    )
    connection = await asyncpg.connect(database.dsns["admin"])
    try:
        await connection.execute(
            """
            SET search_path TO admin;
            DROP INDEX users_facets_search_idx;
            CREATE INDEX users_facets_idx ON users (uid);
            CREATE INDEX users_search_idx ON users (uid);
            """
        )
        for statement in made_before.strip().rstrip(";").split(";"):
            await connection.execute(statement)
        index = "SELECT 'users_facets_search_idx'::regclass::oid"
        oid = await connection.fetchval(index)
        await connection.execute(ONE_INDEX)
        assert await connection.fetchval(index) == oid
        left = await connection.fetch("SELECT indexname FROM pg_indexes WHERE tablename = 'users'")
        assert not {"users_facets_idx", "users_search_idx"} & {row[0] for row in left}
    finally:
        await connection.close()


async def test_an_index_that_could_not_be_made_is_not_taken(database: TestDatabase) -> None:
    async with database.connected() as superuser:
        await superuser.execute(
            """
            UPDATE pg_index SET indisvalid = false
            WHERE indexrelid = 'admin.users_facets_search_idx'::regclass
            """
        )
        await superuser.execute("SET search_path TO admin")
        with pytest.raises(asyncpg.RaiseError, match="drop it, and make it again"):
            await superuser.execute(ONE_INDEX)
