"""The subscriber of barong_events, at a real broker."""

import asyncio
import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import asyncpg
import pytest
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from barong_events import Event, FixedKeys, PostgresIds, Subscriber, WaitError
from deploy.event_vectors import CLAIMS, FOLDER, enveloped, private_keys, signed
from shared.messaging.broker import connected
from tests.support.database import TestDatabase
from tests.support.gate import Gate
from tests.support.waiting import until

JWKS = json.loads((FOLDER / "jwks.json").read_text())
NAME = CLAIMS["event"]["name"]
MESSAGE = enveloped(*signed(CLAIMS, private_keys()["current"]))


class Broker:
    """A virtual host with the exchange, and what a subscriber counted there."""

    def __init__(self, url: str, channel: AbstractChannel) -> None:
        self.url, self.channel = url, channel
        self.outcomes: list[str] = []

    def subscriber(self, handler: Callable[[Event], Any], **options: Any) -> Subscriber:
        made = Subscriber(
            self.url,
            "http://127.0.0.1:9",
            "mine",
            keys=FixedKeys(JWKS),
            retry_seconds=(1,),
            counted=lambda name, outcome, seconds: self.outcomes.append(outcome),
            **options,
        )
        made.on("model.user.*")(handler)
        return made

    async def publish(self, body: str = MESSAGE) -> None:
        exchange = await self.channel.get_exchange("barong.events")
        await exchange.publish(aio_pika.Message(body.encode()), NAME)

    async def counts(self, *outcomes: str) -> None:
        async def counted() -> bool:
            return self.outcomes == list(outcomes)

        await until(counted)

    async def dead(self) -> AbstractIncomingMessage:
        queue = await self.channel.get_queue("mine.dead", ensure=False)
        message = await queue.get(no_ack=True)
        assert message is not None
        return message


@pytest.fixture
async def broker(new_amqp_url: Callable[[], str]) -> AsyncIterator[Broker]:
    url = new_amqp_url()
    async with connected(url, "test") as connection:
        channel = await connection.channel()
        await channel.declare_exchange("barong.events", ExchangeType.TOPIC, durable=True)
        yield Broker(url, channel)


@asynccontextmanager
async def running(subscriber: Subscriber) -> AsyncIterator[None]:
    task = asyncio.create_task(subscriber.run())
    try:
        await consuming(subscriber)
        yield
    finally:
        subscriber.stop()
        async with asyncio.timeout(30):
            await task


async def consuming(subscriber: Subscriber) -> None:
    async def reads() -> bool:
        return subscriber.consuming

    await until(reads)


async def test_a_repeated_event_is_handled_once_and_typed(broker: Broker) -> None:
    seen: list[Event] = []
    async with running(broker.subscriber(seen.append)):
        await broker.publish()
        await broker.publish()
        await broker.counts("done", "repeated")
    [event] = seen
    assert (event.name, str(event.id)) == (NAME, CLAIMS["jti"])
    assert event.record is not None
    assert event.record.updated_at.year == 2026  # type: ignore[attr-defined]
    assert event.changes == {"state": "active"}


async def test_an_untrusted_message_becomes_a_dead_letter(broker: Broker) -> None:
    seen: list[Event] = []
    async with running(broker.subscriber(seen.append)):
        await broker.publish(enveloped(*signed(CLAIMS, private_keys()["foreign"])))
        await broker.counts("dead")
        dead = await broker.dead()
    assert seen == []
    assert str(dead.headers["x-reason"]).startswith("untrusted")


async def test_an_event_that_fails_is_retried_later_then_a_dead_letter(broker: Broker) -> None:
    calls: list[float] = []

    async def failing(event: Event) -> None:
        calls.append(time.monotonic())
        raise RuntimeError

    async with running(broker.subscriber(failing)):
        await broker.publish()
        await broker.counts("retried", "dead")
        dead = await broker.dead()
    assert calls[1] - calls[0] >= 0.9
    assert (dead.body.decode(), dead.headers["x-reason"]) == (MESSAGE, "RuntimeError")


async def test_handlers_that_hang_are_given_up(broker: Broker) -> None:
    async def hanging(event: Event) -> None:
        await asyncio.Event().wait()

    async with running(broker.subscriber(hanging, timeout=0.05)):
        await broker.publish()
        await broker.counts("retried", "dead")


async def test_a_handler_that_hangs_in_a_thread_is_given_up(broker: Broker) -> None:
    """Nobody can stop the thread; the events behind it do not wait for it."""
    released = threading.Event()
    try:
        async with running(broker.subscriber(lambda _: released.wait(), timeout=0.05)):
            await broker.publish()
            await broker.counts("retried", "dead")
    finally:
        released.set()


async def test_ids_in_postgresql_outlive_the_process_and_are_shared(
    broker: Broker, database: TestDatabase
) -> None:
    seen: list[Event] = []
    async with asyncpg.create_pool(database.dsns["resource"], min_size=0, max_size=4) as pool:
        ids = [PostgresIds(pool, "resource.handled") for _ in range(2)]
        await asyncio.gather(*(each.create() for each in ids))
        for each in ids:  # one process after the other
            async with running(broker.subscriber(seen.append, known_ids=each)):
                await broker.publish()
                await broker.counts(*("done", "repeated")[: ids.index(each) + 1])
        assert [str(event.id) for event in seen] == [CLAIMS["jti"]]
        await pool.execute("UPDATE resource.handled SET handled_at = now() - interval '31 days'")
        await ids[0].forget()
        assert not await ids[1].has(seen[0].id)


async def test_an_event_waits_while_the_table_of_ids_is_away(
    broker: Broker, database: TestDatabase
) -> None:
    seen: list[Event] = []
    async with (
        Gate.before(database.dsns["resource"]) as gate,
        asyncpg.create_pool(gate.url, min_size=0, timeout=2, command_timeout=2) as pool,
    ):
        await gate.open()
        known = PostgresIds(pool, "resource.handled")
        await known.create()
        await gate.shut()
        async with running(broker.subscriber(seen.append, known_ids=known, timeout=2)) as _:
            await broker.publish()
            await until(lambda: refuses(known))
            assert (seen, broker.outcomes) == ([], [])
            await gate.open()
            await broker.counts("done")
    assert len(seen) == 1


async def refuses(known: PostgresIds) -> bool:
    try:
        await known.has(uuid.uuid4())
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return True
    return False


async def test_it_reads_on_when_the_broker_is_back(broker: Broker) -> None:
    """What was published meanwhile waits in the queue, which is durable."""
    seen: list[Event] = []
    real = broker.url
    async with Gate.before(real) as gate:
        await gate.open()
        broker.url = gate.url
        subscriber = broker.subscriber(seen.append)
        async with running(subscriber):
            await gate.shut()

            async def noticed() -> bool:
                return not subscriber.consuming

            await until(noticed)
            await broker.publish()
            assert seen == []
            await gate.open()
            await broker.counts("done")
    assert len(seen) == 1


async def test_an_event_waits_while_something_is_away(broker: Broker) -> None:
    calls: list[Event] = []

    def away_at_first(event: Event) -> None:
        calls.append(event)
        if len(calls) < 3:
            raise WaitError

    async with running(broker.subscriber(away_at_first)):
        await broker.publish()
        await broker.counts("done")
    assert len(calls) == 3


async def test_a_deleted_queue_is_declared_again(broker: Broker) -> None:
    seen: list[Event] = []
    subscriber = broker.subscriber(seen.append)
    async with running(subscriber):
        await broker.channel.queue_delete("mine")

        async def noticed() -> bool:
            return not subscriber.consuming

        await until(noticed)
        await consuming(subscriber)
        await broker.publish()
        await broker.counts("done")


async def test_stopping_finishes_the_event_and_leaves_the_others(broker: Broker) -> None:
    started, finish = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> None:
        started.set()
        await finish.wait()

    subscriber = broker.subscriber(slow)
    async with running(subscriber):
        await broker.publish()
        await broker.publish()
        await started.wait()
        subscriber.stop()
        finish.set()
    assert broker.outcomes == ["done"]

    async def one_waits() -> bool:
        queue = await broker.channel.declare_queue("mine", passive=True)
        return queue.declaration_result.message_count == 1

    await until(one_waits)
