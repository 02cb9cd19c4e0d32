"""One mail for each event: across crashes, stops, replicas and a database that goes away."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from shared.errors import Unavailable
from tests.integration.mailer.mailer import mailer_at
from tests.integration.mailer.test_send import an_own_event
from tests.support.database import TestDatabase
from tests.support.waiting import until
from tests.unit.mailer.mail_server import mail_server


@pytest.fixture(scope="module")
def dsn(mailer_database: TestDatabase) -> str:
    return mailer_database.dsns["mailer"]


async def state_of(database: TestDatabase, event_id: uuid.UUID) -> str | None:
    """What the database has about the mail of an event, for everybody to see."""
    async with database.connected() as connection:
        state: str | None = await connection.fetchval(
            "SELECT state FROM mailer.mails WHERE event_id = $1", event_id
        )
    return state


async def end_connections(database: TestDatabase) -> None:
    """What an administrator of PostgreSQL, or its restart, does to mailer-svc."""
    async with database.connected() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'barong_mailer' AND datname = current_database()"
        )


async def test_without_the_database_nothing_is_sent(dsn: str) -> None:
    nowhere = dsn.replace(dsn.rpartition("@")[2], "127.0.0.1:1/nowhere")
    async with mail_server() as server, mailer_at(nowhere, server.port) as mailer:
        with pytest.raises(Unavailable):
            await mailer.react(an_own_event())

    assert server.deliveries == []
    assert mailer.counted("confirmation", "waiting") == 1


async def test_a_lost_commit_repeats_no_mail(dsn: str, mailer_database: TestDatabase) -> None:
    event = an_own_event()
    async with mail_server(seconds=0.5) as server, mailer_at(dsn, server.port) as mailer:
        sending = asyncio.ensure_future(mailer.react(event))
        await until(lambda: asyncio.sleep(0, server.received), 10)
        await end_connections(mailer_database)
        with pytest.raises(Unavailable):
            await sending
        assert await state_of(mailer_database, event.id) is None

        await mailer.react(event)

    assert len(server.deliveries) == 1
    assert await state_of(mailer_database, event.id) == "sent"


async def test_two_replicas_send_one_mail(dsn: str, mailer_database: TestDatabase) -> None:
    event = an_own_event()
    async with (
        mail_server(seconds=0.3) as server,
        mailer_at(dsn, server.port) as one,
        mailer_at(dsn, server.port) as other,
    ):
        await asyncio.gather(one.react(event), other.react(event))
        outcomes = [
            mailer.counted("confirmation", outcome)
            for outcome in ("sent", "repeated")
            for mailer in (one, other)
        ]

    assert len(server.deliveries) == 1
    assert sorted(each or 0 for each in outcomes) == [0, 0, 1, 1]


async def test_a_process_that_stops_finishes_its_mail(
    dsn: str, mailer_database: TestDatabase
) -> None:
    event = an_own_event()
    async with mail_server(seconds=0.5) as server, mailer_at(dsn, server.port) as mailer:
        sending = asyncio.ensure_future(mailer.react(event))
        await until(lambda: asyncio.sleep(0, server.received), 10)
        sending.cancel()
        await asyncio.sleep(0)
        sending.cancel()  # as supervision does
        with pytest.raises(asyncio.CancelledError):
            await sending

    assert len(server.deliveries) == 1
    assert await state_of(mailer_database, event.id) == "sent"


async def test_a_process_that_stops_does_not_wait_for_ever(dsn: str) -> None:
    settings = {"BARONG_SHUTDOWN_SECONDS": "1"}
    async with mail_server(seconds=30) as server, mailer_at(dsn, server.port, **settings) as mailer:
        sending = asyncio.ensure_future(mailer.react(an_own_event()))
        await until(lambda: asyncio.sleep(0, server.received), 10)
        sending.cancel()
        async with asyncio.timeout(10):
            with pytest.raises(asyncio.CancelledError):
                await sending


PROGRAM = """
import asyncio, sys, uuid
from tests.integration.mailer.mailer import mailer_at
from tests.unit.mailer.builders import an_event

async def main(dsn, port, event_id):
    async with mailer_at(dsn, int(port)) as mailer:
        await mailer.react(an_event(event_id=uuid.UUID(event_id)))

asyncio.run(main(*sys.argv[1:]))
"""


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A mailer as a process of its own, which handles one event."""
    made = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, *arguments),
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        yield made
    finally:
        if made.returncode is None:
            made.kill()
        await made.wait()


async def test_a_process_that_is_killed_holds_up_nobody(
    dsn: str, mailer_database: TestDatabase
) -> None:
    """Before the relay has the mail: it is sent once. Afterwards it may come again: the same."""
    event = an_own_event()
    async with (
        mail_server(seconds=30) as slow,
        process(dsn, str(slow.port), str(event.id)) as dying,
    ):
        await until(lambda: asyncio.sleep(0, slow.received), 20)
        os.kill(dying.pid, signal.SIGKILL)
        await dying.wait()
    assert await state_of(mailer_database, event.id) is None

    async with mail_server() as server, mailer_at(dsn, server.port) as mailer:
        async with asyncio.timeout(10):
            await mailer.react(event)

    [delivery] = server.deliveries
    assert delivery.message["Message-ID"] == f"<{event.id}.confirmation@barong.io>"


async def test_nothing_personal_is_stored(dsn: str, mailer_database: TestDatabase) -> None:
    event = an_own_event()
    async with mail_server() as server, mailer_at(dsn, server.port) as mailer:
        await mailer.react(event)
    async with mailer_database.connected() as connection:
        row = await connection.fetchrow("SELECT * FROM mailer.mails WHERE event_id = $1", event.id)
    assert row is not None
    user = event.record["user"]
    assert not any(secret in repr(tuple(row)) for secret in (user["uid"], user["email"]))


async def test_old_rows_go(dsn: str, mailer_database: TestDatabase) -> None:
    async with mail_server() as server, mailer_at(dsn, server.port) as mailer:
        for days in (0, 2, 32):
            event = an_own_event()
            await mailer.react(event)
            async with mailer_database.connected() as connection:
                await _age(connection, event.id, days)
        house = asyncio.ensure_future(mailer.mails.run_housekeeping())
        try:
            await until(lambda: _settled(mailer_database), 10)
        finally:
            house.cancel()


async def _age(
    connection: "asyncpg.Connection[asyncpg.Record]", event_id: uuid.UUID, days: int
) -> None:
    await connection.execute(
        "UPDATE mailer.mails SET created_at = now() - make_interval(days => $2)"
        " WHERE event_id = $1",
        event_id,
        days,
    )


async def _settled(database: TestDatabase) -> bool:
    async with database.connected() as connection:
        [(counted, uncounted, old)] = await connection.fetch(
            """
            SELECT
                count(*) FILTER (WHERE age < interval '1 day' AND recipient IS NOT NULL),
                count(*) FILTER (WHERE age > interval '1 day' AND recipient IS NULL),
                count(*) FILTER (WHERE age > interval '31 days')
            FROM (SELECT *, now() - created_at AS age FROM mailer.mails) AS mails
            """
        )
    return bool(counted >= 1 and uncounted == 1 and old == 0)
