"""The pool: units of work, and a PostgreSQL that comes and goes."""

import asyncio

import asyncpg
import pytest

from shared.database.pool import Database
from shared.errors import Unavailable
from tests.support.gate import Gate
from tests.support.waiting import until


async def run(database: Database, *statements: str, sleep: float = 0) -> None:
    """Executes statements in one transaction."""
    async with database.transaction() as connection:
        for statement in statements:
            await connection.execute(statement)
        await asyncio.sleep(sleep)


async def run_alone(database: Database, statement: str) -> None:
    """Executes a statement on a connection of its own."""
    async with database.dedicated() as connection:
        await connection.execute(statement)


async def asked(database: Database, query: str) -> None:
    """Returns once another connection got this query."""

    async def seen() -> object:
        return await fetch(
            database,
            "SELECT true FROM pg_stat_activity WHERE query = $1 AND pid <> pg_backend_pid()",
            query,
        )

    await until(seen)


async def numbers(database: Database) -> list[int]:
    async with database.connection() as connection:
        return [row["n"] for row in await connection.fetch("SELECT n FROM tried ORDER BY n")]


async def test_a_unit_of_work_is_done_whole_or_not_at_all(schema: Database) -> None:
    await run(schema, "CREATE TABLE tried (n int)", "INSERT INTO tried VALUES (1)")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await run(schema, "INSERT INTO tried VALUES (2)", "SELECT 1 / 0")

    assert await numbers(schema) == [1]


async def test_json_comes_back_as_it_went(schema: Database) -> None:
    value = {"é": [1, None, {"a": "\u2028"}], "b": 1.5}
    async with schema.connection() as connection:
        assert await connection.fetchval("SELECT $1::jsonb", value) == value
    async with schema.dedicated() as alone:
        assert await alone.fetchval("SELECT $1::jsonb", value) == value


@pytest.mark.parametrize("value", [2**40, "one", [1]])
async def test_an_argument_of_a_wrong_type_is_a_fault_of_ours(
    schema: Database, value: object
) -> None:
    with pytest.raises(asyncpg.DataError):
        await fetch(schema, "SELECT $1::int", value)


async def fetch(database: Database, query: str, *arguments: object) -> object:
    async with database.connection() as connection:
        return await connection.fetchval(query, *arguments)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("SELECT nothing", asyncpg.UndefinedColumnError),
        ("SELEC", asyncpg.PostgresSyntaxError),
        ("SELECT pg_sleep(1)", asyncpg.QueryCanceledError),
    ],
)
async def test_a_fault_of_the_query_is_not_one_of_the_server(
    schema: Database, query: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await run(schema, "SET LOCAL statement_timeout = 50", query)


@pytest.mark.parametrize(
    ("old", "new"),
    [("resource-secret", "wrong"), ("/barong_", "/nowhere_"), ("@127.0.0.1", "@127.9.9.9")],
)
async def test_where_nobody_can_connect_the_database_is_unavailable(
    schema: Database, old: str, new: str
) -> None:
    assert old in schema.dsn
    database = Database(schema.dsn.replace(old, new), "resource")
    async with database.opened():
        with pytest.raises(Unavailable) as raised:
            await fetch(database, "SELECT 1")
    assert raised.value.dependency == "postgresql"


async def test_before_and_after_it_is_open_the_database_is_unavailable(schema: Database) -> None:
    database = Database(schema.dsn, "resource")
    with pytest.raises(Unavailable):
        await fetch(database, "SELECT 1")
    async with database.opened():
        assert await fetch(database, "SELECT 1") == 1
    with pytest.raises(Unavailable):
        await fetch(database, "SELECT 1")


async def test_a_connection_that_is_lost_is_replaced(schema: Database, schema_gate: Gate) -> None:
    database = Database(schema_gate.url, "resource")
    async with database.opened():
        assert await fetch(database, "SELECT 1") == 1
        work = asyncio.create_task(run(database, "SELECT pg_sleep(60)"))
        await asked(schema, "SELECT pg_sleep(60)")
        schema_gate.cut()
        with pytest.raises(Unavailable):
            await work
        assert await fetch(database, "SELECT 1") == 1
        await schema_gate.shut()
        with pytest.raises(Unavailable):
            await fetch(database, "SELECT 1")
        await schema_gate.open()
        assert await fetch(database, "SELECT 1") == 1


async def test_of_two_who_wait_for_each_other_one_may_try_again(schema: Database) -> None:
    await run(schema, "CREATE TABLE tried (n int)", "INSERT INTO tried VALUES (1), (2)")
    met = asyncio.Barrier(2)

    async def lock(*order: int) -> None:
        async with schema.transaction() as connection:
            for n in order:
                await connection.execute("SELECT FROM tried WHERE n = $1 FOR UPDATE", n)
                if n == order[0]:
                    await met.wait()

    ended = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    assert sorted(type(each).__name__ for each in ended) == ["NoneType", "Unavailable"]


async def test_a_server_that_ends_the_session_is_unavailable(schema: Database) -> None:
    with pytest.raises(Unavailable):
        await run(schema, "SELECT pg_terminate_backend(pg_backend_pid())")
    assert await fetch(schema, "SELECT 1") == 1


async def test_who_finds_no_free_connection_in_time_is_told_so(schema: Database) -> None:
    database = Database(schema.dsn, "resource", max_connections=1, acquire_seconds=0.5)
    async with database.opened():
        async with database.connection():
            with pytest.raises(Unavailable):
                await fetch(database, "SELECT 1")
        assert await fetch(database, "SELECT 1") == 1


HELD = [
    ("LOCK TABLE tried", "INSERT INTO tried VALUES (2)"),
    ("SELECT FROM tried FOR UPDATE", "UPDATE tried SET n = 2"),
    ("SELECT pg_advisory_xact_lock(1)", "SELECT pg_advisory_xact_lock(1)"),
]


@pytest.mark.parametrize(("hold", "wait"), HELD)
async def test_who_waits_too_long_for_a_lock_is_told_so(
    schema: Database, hold: str, wait: str
) -> None:
    await run(schema, "CREATE TABLE tried (n int)", "INSERT INTO tried VALUES (1)")
    database = Database(schema.dsn, "resource", lock_timeout="50ms")
    async with database.opened():
        async with schema.transaction() as holder:
            await holder.execute(hold)
            for waits in (run, run_alone):
                with pytest.raises(Unavailable) as raised:
                    await waits(database, wait)
                assert raised.value.dependency == "postgresql"
        await run(database, wait)


async def test_who_waits_for_a_lock_gives_up_before_his_statement_is_over(
    schema: Database,
) -> None:
    limits = "SELECT setting::int FROM pg_settings WHERE name = $1"
    for_a_lock = await fetch(schema, limits, "lock_timeout")
    in_all = await fetch(schema, limits, "statement_timeout")

    assert (for_a_lock, in_all) == (5_000, 10_000)


async def test_a_call_that_is_cancelled_leaves_nothing_behind(schema: Database) -> None:
    await run(schema, "CREATE TABLE tried (n int)")
    work = asyncio.create_task(run(schema, "INSERT INTO tried VALUES (1)", sleep=60))
    await asked(schema, "INSERT INTO tried VALUES (1)")
    work.cancel()
    await asyncio.wait([work])

    assert await numbers(schema) == []
