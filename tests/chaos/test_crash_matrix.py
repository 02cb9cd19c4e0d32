"""Whatever happens to the broker and to the network under load: nothing is lost, and acts twice.

`BARONG_OUTAGE_SECONDS` is how long the broker is away; the suite has no time for ten minutes.
"""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aio_pika.abc import AbstractChannel
from yarl import URL

from deploy.local import processes, rabbitmq
from shared.contracts.events import Event, ReceivedEvent
from shared.contracts.topology import EVENTS
from shared.database.pool import Connection, Database
from shared.messaging.inbox import once
from tests.support.database import TestDatabase
from tests.support.events import WRITTEN
from tests.support.gate import Gate
from tests.support.messaging import (
    UPDATED,
    a_relay,
    a_subscriber,
    add,
    all_published,
    an_event,
    channel_to,
    contents,
    messages,
)
from tests.support.supervision import supervised
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("machine")

OUTAGE_SECONDS = float(os.environ.get("BARONG_OUTAGE_SECONDS", "2"))
USERS = 5
SOME = 60


@dataclass(slots=True)
class Load:
    """Changes that are committed one after the other, while something happens."""

    schema: Database
    events: list[Event]

    async def run(self) -> None:
        while True:
            await self.commit()
            await asyncio.sleep(0.01)

    async def commit(self) -> None:
        number = len(self.events)
        event = an_event(name=UPDATED, record={"uid": f"ID{number % USERS}", "number": number})
        await add(self.schema, event)
        self.events.append(event)

    async def goes_on(self) -> None:
        """Returns after some more commits."""
        enough = len(self.events) + SOME

        async def reached() -> bool:
            return len(self.events) >= enough

        await until(reached)


@pytest.fixture
async def schema(database: TestDatabase) -> AsyncIterator[Database]:
    """The schema of one service, with a table of effects."""
    made = Database(database.dsns["resource"], "resource")
    async with made.opened():
        async with made.connection() as connection:
            await connection.execute("CREATE TABLE effects (event_id uuid NOT NULL)")
        yield made


async def act(connection: Connection, event: ReceivedEvent) -> None:
    await connection.execute("INSERT INTO effects (event_id) VALUES ($1)", event.id)


@asynccontextmanager
async def under_load(schema: Database, url: str) -> AsyncIterator[Load]:
    """A relay and a subscriber at work; at the end, all that was committed had its effect once."""
    load = Load(schema, [])
    relay = a_relay(schema, url, poll_seconds=0.1, confirm_seconds=0.5, probe_seconds=0.5)
    subscriber = a_subscriber(url, once(schema, act))
    async with supervised("relay", relay.run), supervised("subscriber", subscriber.run):
        task = asyncio.create_task(load.run())
        try:
            await load.goes_on()
            yield load
            await load.goes_on()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        # The commit that was interrupted may have happened.
        await all_published(schema, 60)
        committed = await ids(schema, f"SELECT event_id FROM {WRITTEN} ORDER BY id")
        assert set(committed) >= {event.id for event in load.events}

        async def all_acted() -> bool:
            return len(await ids(schema, "SELECT DISTINCT event_id FROM effects")) >= len(committed)

        await until(all_acted, 60)
        assert sorted(await ids(schema, "SELECT event_id FROM effects")) == sorted(committed)


async def ids(schema: Database, query: str) -> list[uuid.UUID]:
    async with schema.connection() as connection:
        return [row["event_id"] for row in await connection.fetch(query)]


@asynccontextmanager
async def foreign_queue(url: str) -> AsyncIterator[AbstractChannel]:
    """A durable queue of somebody's, who is not there to read it."""
    async with channel_to(url) as channel:
        queue = await channel.declare_queue("theirs", durable=True)
        await queue.bind(EVENTS, UPDATED)
        yield channel


async def everything_came_in_order(schema: Database, channel: AbstractChannel) -> None:
    """The foreign queue has every event; those of one user stand in the order of their commits."""
    taken = await contents(channel, "theirs", await messages(channel, "theirs"))
    received = list(dict.fromkeys(uuid.UUID(message.message_id) for message in taken))
    async with schema.connection() as connection:
        rows = await connection.fetch(f"SELECT event_id, record FROM {WRITTEN} ORDER BY id")
    assert {row["event_id"] for row in rows} == set(received)
    for uid in {row["record"]["uid"] for row in rows}:
        of_user = [row["event_id"] for row in rows if row["record"]["uid"] == uid]
        among = set(of_user)
        assert [each for each in received if each in among] == of_user


async def test_the_network_is_cut_again_and_again(
    schema: Database, new_amqp_url: Callable[[], str]
) -> None:
    broker = new_amqp_url()
    async with Gate.before(broker) as gate, foreign_queue(broker) as channel:
        await gate.open()
        async with under_load(schema, gate.url) as load:
            for _ in range(4):
                gate.cut()
                await load.goes_on()
        await everything_came_in_order(schema, channel)


async def test_the_network_stops_passing_bytes_in_the_middle_of_a_confirm(
    schema: Database, new_amqp_url: Callable[[], str]
) -> None:
    """No byte and no end of the connection: only missing answers say that it is lost."""
    broker = new_amqp_url()
    async with Gate.before(broker) as gate, foreign_queue(broker) as channel:
        await gate.open()
        impatient = str(URL(gate.url).with_query(heartbeat=1))
        async with under_load(schema, impatient):
            connections = gate.accepted
            gate.freeze()

            async def others() -> bool:
                return gate.accepted >= connections + 2

            await until(others, 60)
        await everything_came_in_order(schema, channel)


async def test_the_broker_is_away(schema: Database, new_amqp_url: Callable[[], str]) -> None:
    broker = new_amqp_url()
    async with Gate.before(broker) as gate, foreign_queue(broker) as channel:
        await gate.open()
        async with under_load(schema, gate.url):
            await gate.shut()
            await asyncio.sleep(OUTAGE_SECONDS)  # the outage itself, not a wait for something
            await gate.open()
        await everything_came_in_order(schema, channel)


async def test_the_broker_is_killed(schema: Database, tmp_path: Path) -> None:
    """With -9, under load; its queues are on disk, and it comes back with them."""
    with ExitStack() as first, ExitStack() as second:
        url = await asyncio.to_thread(first.enter_context, rabbitmq.server(tmp_path))
        async with Gate.before(url) as gate:
            await gate.open()
            async with foreign_queue(url):
                pass
            # A quorum queue that has just been declared may not survive: that is RabbitMQ's fault.
            await asyncio.sleep(2)
            async with under_load(schema, gate.url) as load:
                processes.end_leftovers(tmp_path, signal.SIGKILL)
                first.close()
                url = await asyncio.to_thread(second.enter_context, rabbitmq.server(tmp_path))
                gate.lead_to(url)
                gate.cut()
                await load.goes_on()
            async with foreign_queue(url) as channel:
                await everything_came_in_order(schema, channel)
