"""A service that dies at any step between commit and broker loses no event."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from functools import partial

import aiohttp
import pytest
from aio_pika.abc import AbstractIncomingMessage

from shared.contracts.topology import EVENTS
from shared.messaging.broker import connected, declare_topology
from tests.chaos.dying_identity import STEPS
from tests.support.database import TestDatabase
from tests.support.system import PASSWORD, Installation, ready, started
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("machine")


@contextlib.asynccontextmanager
async def dying(system: Installation, step: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """identity-svc as a process that dies at `step`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.chaos.dying_identity",
        step,
        env={**os.environ, **system.environments["identity"]},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def sign_up(system: Installation) -> None:
    form = {"email": "victim@example.com", "password": PASSWORD}
    async with aiohttp.ClientSession() as http:
        with contextlib.suppress(aiohttp.ClientError):  # it may die before it answers
            await http.post(f"{system.public_url('identity')}/api/v2/identity/users", data=form)


@contextlib.asynccontextmanager
async def overheard(system: Installation) -> AsyncIterator[Mapping[str, set[str]]]:
    """Ids of the events about users on each kind of exchange, from now on."""
    seen: dict[str, set[str]] = {"topic": set(), "legacy": set()}
    async with connected(system.environments["identity"]["AMQP_URL"], "test") as connection:
        channel = await connection.channel()
        await declare_topology(channel)
        topic = await channel.declare_queue(exclusive=True)
        await topic.bind(EVENTS, "*.user.#")
        legacy = await channel.declare_queue(exclusive=True)
        await legacy.bind(f"{EVENTS}.model", "user.created")
        await legacy.bind(f"{EVENTS}.system", "user.email.confirmation.token")
        for name, queue in (("topic", topic), ("legacy", legacy)):
            await queue.consume(partial(_note, seen[name]), no_ack=True)
        yield seen


async def _note(ids: set[str], message: AbstractIncomingMessage) -> None:
    ids.add(str(message.message_id))


@pytest.mark.parametrize("step", STEPS)
async def test_killed_when(
    step: str, system_of_my_own: Installation, database: TestDatabase
) -> None:
    system = system_of_my_own
    async with database.connected() as connection, overheard(system) as seen:
        # The seed's own events would die of the step before anybody signs up.
        await connection.execute("UPDATE identity.outbox SET published_at = now()")
        async with dying(system, step) as process:
            await ready(system, "identity")
            await sign_up(system)
            async with asyncio.timeout(60):
                assert await process.wait() == -signal.SIGKILL
        committed = await connection.fetch(
            """
            SELECT event_id FROM identity.outbox WHERE record::text LIKE '%victim%'
            UNION
            SELECT event_id FROM identity.events WHERE record::text LIKE '%victim%'
            """
        )
        assert len(committed) == 2
        everything = {str(row["event_id"]) for row in committed}

        async with started(system, "identity"):

            async def all_seen() -> bool:
                return seen == {"topic": everything, "legacy": everything}

            assert await until(all_seen)

            async def nothing_waits() -> bool:
                return not await connection.fetchval(
                    "SELECT count(*) FROM identity.outbox WHERE published_at IS NULL"
                )

            assert await until(nothing_waits)
