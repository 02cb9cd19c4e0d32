"""The subscriber of barong_events, at a real broker."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import pytest
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from barong_events import Event, FixedKeys, Subscriber, WaitError
from deploy.event_vectors import CLAIMS, FOLDER, enveloped, private_keys, signed
from shared.messaging.broker import connected
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
