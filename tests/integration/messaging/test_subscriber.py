"""The subscriber: every event acts once, whatever is lost, repeated, broken or away."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from typing import Any

import aio_pika
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from prometheus_client import CollectorRegistry

from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import ADMIN, MAILER, RETRY_SECONDS
from shared.database.pool import Connection, Database
from shared.errors import Unavailable
from shared.messaging.inbox import Reaction, once
from shared.messaging.lag import QueueMetrics
from shared.messaging.subscriber import Subscriber
from tests.support.gate import Gate
from tests.support.messaging import (
    CREATED,
    UPDATED,
    Keys,
    Witness,
    a_relay,
    a_subscriber,
    acknowledged,
    add,
    an_event,
    answers,
    channel_to,
    contents,
    messages,
    publish,
    refused_again,
    signed,
    verifier,
)
from tests.support.supervision import supervised
from tests.support.waiting import until


def working(subscriber: Subscriber) -> AbstractAsyncContextManager[None]:
    return supervised("subscriber", subscriber.run)


async def fails(_event: ReceivedEvent) -> None:
    raise KeyError("hunter2")


@pytest.fixture
async def deeds(schema: Database) -> Callable[[], Awaitable[int]]:
    """How many deeds `deed` has done."""
    async with schema.connection() as connection:
        await connection.execute("CREATE TABLE deeds (event_id uuid NOT NULL)")

    async def count() -> int:
        async with schema.connection() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM deeds"))

    return count


async def deed(connection: Connection, event: ReceivedEvent) -> None:
    """A reaction that can be counted."""
    await connection.execute("INSERT INTO deeds (event_id) VALUES ($1)", event.id)


async def test_an_event_travels_from_outbox_to_reaction(schema: Database, broker: str) -> None:
    witness = Witness()
    event = an_event(1, changes={"level": 0}, snapshot={"version": 2}, secrets={"token": "t"})
    async with (
        working(a_subscriber(broker, witness)),
        supervised("relay", a_relay(schema, broker).run),
    ):
        await add(schema, event)
        await witness.sees(1)

    [seen] = witness.seen
    assert (seen.id, seen.name, seen.record) == (event.id, event.name, {"number": 1, "token": "t"})
    assert (seen.changes, seen.snapshot) == ({"level": 0}, {"version": 2})


async def test_events_that_came_while_nobody_listened_are_handled_in_order(broker: str) -> None:
    witness = Witness()
    await publish(broker, *(signed(an_event(number)) for number in range(120)))
    async with working(a_subscriber(broker, witness)):
        assert await witness.sees(120) == list(range(120))


async def test_a_repeated_event_acts_once(
    schema: Database, broker: str, deeds: Callable[[], Awaitable[int]]
) -> None:
    again, last = signed(an_event(1)), signed(an_event(2))
    witness = Witness()

    async def react(event: ReceivedEvent) -> None:
        await once(schema, deed)(event)
        await witness(event)

    await publish(broker, *[again] * 5, last)
    async with working(a_subscriber(broker, react)):
        assert await witness.sees(6) == [1] * 5 + [2]
    assert await deeds() == 2


async def test_a_repeated_event_acts_once_in_two_processes(
    schema: Database, broker: str, deeds: Callable[[], Awaitable[int]]
) -> None:
    witness = Witness()

    async def slowly(connection: Connection, event: ReceivedEvent) -> None:
        await asyncio.sleep(0.01)
        await deed(connection, event)

    async def react(event: ReceivedEvent) -> None:
        await once(schema, slowly)(event)
        await witness(event)

    first, second = a_subscriber(broker, react), a_subscriber(broker, react)
    async with working(first), working(second):
        for subscriber in (first, second):
            await until(answers(subscriber.check))
        await publish(broker, *[signed(an_event(number // 4)) for number in range(20)])
        await publish(broker, *[signed(an_event(9))] * 20)
        await witness.sees(40)
    assert await deeds() == 21


async def test_while_a_dependency_is_down_events_wait_in_place_and_in_order(broker: str) -> None:
    witness = Witness()
    attempts = 0

    async def react(event: ReceivedEvent) -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 3:
            raise Unavailable("postgresql")
        await witness(event)

    await publish(broker, *(signed(an_event(number)) for number in range(3)))
    async with working(a_subscriber(broker, react)):
        assert await witness.sees(3) == [0, 1, 2]
    assert attempts == 5
    async with channel_to(broker) as channel:
        for queue in (ADMIN.dead_letters, *map(ADMIN.retry, RETRY_SECONDS)):
            assert await messages(channel, queue) == 0


async def test_while_no_keys_can_be_had_events_wait_in_place(broker: str) -> None:
    witness, keys = Witness(), Keys(down=True)
    await publish(broker, signed(an_event(1)), signed(an_event(2)))
    async with working(a_subscriber(broker, witness, keys)):
        await refused_again(keys)
        assert witness.seen == []
        keys.down = False
        assert await witness.sees(2) == [1, 2]


async def test_postgresql_going_away_is_no_fault_of_the_event(
    schema: Database,
    schema_gate: Gate,
    broker: str,
    deeds: Callable[[], Awaitable[int]],
) -> None:
    through = Database(schema_gate.url, schema.schema)

    async def interrupted(connection: Connection, event: ReceivedEvent) -> None:
        if schema_gate.accepted == 1:
            schema_gate.cut()
        await deed(connection, event)

    await publish(broker, signed(an_event(1)), signed(an_event(2)))
    async with through.opened(), working(a_subscriber(broker, once(through, interrupted))):

        async def both() -> bool:
            return await deeds() == 2

        await until(both)
    assert schema_gate.accepted == 2


async def test_a_lock_that_others_hold_is_no_fault_of_the_event(
    schema: Database,
    broker: str,
    deeds: Callable[[], Awaitable[int]],
) -> None:
    impatient = Database(schema.dsn, schema.schema, lock_timeout="50ms")
    attempts = 0

    async def counted(connection: Connection, event: ReceivedEvent) -> None:
        nonlocal attempts
        attempts += 1
        await deed(connection, event)

    async def tried_again() -> bool:
        return attempts >= 3

    registry = CollectorRegistry()
    await publish(broker, signed(an_event(1)))
    reaction = once(impatient, counted)
    async with impatient.opened(), working(a_subscriber(broker, reaction, registry=registry)):
        async with schema.transaction() as migration:
            await migration.execute("LOCK TABLE deeds")
            await until(tried_again)
        await acknowledged(registry, 1)
    assert await deeds() == 1


async def test_a_failed_event_rests_longer_each_time_and_is_then_set_aside(broker: str) -> None:
    body = signed(an_event(1))
    async with channel_to(broker) as channel, working(a_subscriber(broker, fails)):
        for attempt, seconds in enumerate(RETRY_SECONDS):
            await publish(broker, body, headers={"x-attempt": attempt} if attempt else None)
            [resting] = await contents(channel, ADMIN.retry(seconds))
            assert (resting.body, resting.type) == (body, CREATED)
            assert resting.headers["x-attempt"] == attempt + 1
            assert resting.headers["x-reason"] == "KeyError"
            assert resting.message_id
            assert resting.delivery_mode == aio_pika.DeliveryMode.PERSISTENT

        await publish(broker, body, headers={"x-attempt": len(RETRY_SECONDS)})
        [letter] = await contents(channel, ADMIN.dead_letters)
        assert (letter.body, letter.headers["x-reason"]) == (body, "KeyError")
        assert "x-attempt" not in letter.headers


async def test_retry_queues_keep_an_event_as_long_as_they_say(broker: str) -> None:
    for seconds in RETRY_SECONDS:
        async with channel_to(broker) as channel:
            arguments: dict[str, Any] = {
                "x-queue-type": "quorum",
                "x-message-ttl": seconds * 1000,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": ADMIN.queue,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
            }
            # Declared with anything else, the broker would refuse.
            await channel.declare_queue(ADMIN.retry(seconds), durable=True, arguments=arguments)


async def test_an_event_that_failed_comes_back_after_those_behind_it(broker: str) -> None:
    witness = Witness()
    failed = False

    async def react(event: ReceivedEvent) -> None:
        nonlocal failed
        if event.record["number"] == 1 and not failed:
            failed = True
            raise ValueError
        await witness(event)

    await publish(broker, *(signed(an_event(number)) for number in (1, 2, 3)))
    async with working(a_subscriber(broker, react)):
        assert await witness.sees(3) == [2, 3, 1]


FOREIGN = rsa.generate_private_key(65537, 2048)


async def test_what_nobody_of_ours_signed_is_set_aside_at_once(broker: str) -> None:
    reasons = {
        b"": "JSONDecodeError",
        b'{"payload": "\xff"}': "UnicodeDecodeError",
        b"[" * 100_000: "RecursionError",
        b'{"payload": "x", "signatures": []}': "ValueError",
        signed(an_event(1), FOREIGN): "InvalidSignatureError",
    }
    witness = Witness()
    await publish(broker, *reasons, signed(an_event(2)))
    async with channel_to(broker) as channel, working(a_subscriber(broker, witness)):
        assert await witness.sees(1) == [2]
        letters = await contents(channel, ADMIN.dead_letters, len(reasons))

    assert {letter.body: letter.headers["x-reason"] for letter in letters} == {
        body: f"untrusted: {reason}" for body, reason in reasons.items()
    }


async def test_an_event_of_another_name_is_taken_and_forgotten(broker: str) -> None:
    witness = Witness()
    await publish(broker, signed(an_event(1, "model.user.deleted")), signed(an_event(2)))
    registry = CollectorRegistry()
    async with working(a_subscriber(broker, witness, registry=registry)):
        await acknowledged(registry, 2)
    assert witness.numbers == [2]


async def test_the_name_that_was_signed_decides_not_the_one_on_the_message(broker: str) -> None:
    created, updated = Witness(), Witness()
    reactions = {**dict.fromkeys(ADMIN.events, created), UPDATED: updated}
    subscriber = Subscriber(broker, ADMIN, verifier(), reactions, QueueMetrics(CollectorRegistry()))
    await publish(broker, signed(an_event(1, UPDATED)))
    async with working(subscriber):
        assert await updated.sees(1) == [1]
    assert created.seen == []


async def test_an_attempt_header_that_others_wrote_stops_no_event(broker: str) -> None:
    for junk in ("many", -9, 10**6):
        await publish(broker, signed(an_event(1)), headers={"x-attempt": junk})
    await publish(broker, signed(an_event(2)))
    witness = Witness()

    async def react(event: ReceivedEvent) -> None:
        if event.record["number"] == 1:
            raise ValueError
        await witness(event)

    async with channel_to(broker) as channel, working(a_subscriber(broker, react)):
        assert await witness.sees(1) == [2]
        letters = await contents(channel, ADMIN.dead_letters, 3)
    assert [letter.headers.get("x-reason") for letter in letters] == ["ValueError"] * 3


async def test_an_event_whose_acknowledgement_was_lost_is_delivered_again_and_acts_once(
    schema: Database,
    broker_gate: Gate,
    broker: str,
    deeds: Callable[[], Awaitable[int]],
) -> None:
    witness = Witness()

    async def react(event: ReceivedEvent) -> None:
        await once(schema, deed)(event)
        await witness(event)
        if len(witness.seen) == 1:
            broker_gate.cut()

    await publish(broker, signed(an_event(1)))
    async with working(a_subscriber(broker_gate.url, react)):
        assert await witness.sees(2) == [1, 1]
        await publish(broker, signed(an_event(2)))
        assert await witness.sees(3) == [1, 1, 2]
    assert await deeds() == 2


async def test_an_event_whose_reaction_was_killed_is_neither_lost_nor_done_twice(
    schema: Database, broker: str, deeds: Callable[[], Awaitable[int]]
) -> None:
    begun = asyncio.Event()

    async def dying(connection: Connection, event: ReceivedEvent) -> None:
        await deed(connection, event)
        begun.set()
        await asyncio.sleep(60)

    await publish(broker, signed(an_event(1)))
    async with working(a_subscriber(broker, once(schema, dying))):
        await begun.wait()
    assert await deeds() == 0

    registry = CollectorRegistry()
    async with working(a_subscriber(broker, once(schema, deed), registry=registry)):
        await acknowledged(registry, 1)
    assert await deeds() == 1


async def test_an_event_that_waits_when_the_connection_is_lost_is_waited_for_on_the_next(
    broker_gate: Gate, broker: str
) -> None:
    witness = Witness()

    async def react(event: ReceivedEvent) -> None:
        if broker_gate.accepted == 1:
            broker_gate.cut()
            raise Unavailable("postgresql")
        await witness(event)

    await publish(broker, signed(an_event(1)), signed(an_event(2)))
    async with working(a_subscriber(broker_gate.url, react)):
        assert await witness.sees(2) == [1, 2]


async def test_it_comes_back_after_every_loss_and_says_so(broker_gate: Gate, broker: str) -> None:
    witness = Witness()
    subscriber = a_subscriber(broker_gate.url, witness)
    ready = answers(subscriber.check)

    async def unready() -> bool:
        return not await ready()

    assert await unready()
    async with working(subscriber):
        for number in range(3):
            await until(ready)
            await broker_gate.shut()
            await until(unready)
            await publish(broker, signed(an_event(number)))
            await broker_gate.open()
            await witness.sees_number(number)
    assert await unready()


async def test_its_queue_may_be_deleted_meanwhile(broker: str) -> None:
    witness = Witness()
    subscriber = a_subscriber(broker, witness)
    ready = answers(subscriber.check)

    async def unready() -> bool:
        return not await ready()

    async with channel_to(broker) as channel, working(subscriber):
        await until(ready)
        await channel.queue_delete(ADMIN.queue)
        await until(unready)
        await until(ready)
        await publish(broker, signed(an_event(1)))
        assert await witness.sees(1) == [1]


def test_reactions_and_subscription_must_agree() -> None:
    witness = Witness()
    for reactions in ({}, {ADMIN.events[0]: witness}, dict.fromkeys(MAILER.events, witness)):
        with pytest.raises(ValueError, match="admin-svc"):
            Subscriber(
                "amqp://localhost/", ADMIN, verifier(), reactions, QueueMetrics(CollectorRegistry())
            )


async def test_outcomes_are_counted_under_names_that_are_known(broker: str) -> None:
    registry = CollectorRegistry()
    witness = Witness()
    reactions: dict[str, Reaction] = {**dict.fromkeys(ADMIN.events, witness), UPDATED: fails}
    subscriber = Subscriber(broker, ADMIN, verifier(), reactions, QueueMetrics(registry))
    async with channel_to(broker) as channel:
        for name, body in (
            (ADMIN.events[0], signed(an_event(1))),
            (UPDATED, signed(an_event(2, UPDATED))),
            ("invented.by.others", b"junk"),
        ):
            message = aio_pika.Message(body, type=name)
            await channel.default_exchange.publish(message, ADMIN.queue)

    def counted(event: str, outcome: str) -> float | None:
        labels = {"queue": ADMIN.queue, "event": event, "outcome": outcome}
        return registry.get_sample_value("events_handled_total", labels)

    async def all_counted() -> bool:
        return counted("unknown", "dead") == 1

    async with working(subscriber):
        await until(all_counted)
    assert counted(ADMIN.events[0], "done") == counted(UPDATED, "retried") == 1
    assert counted("invented.by.others", "dead") is None


async def test_a_dependency_that_stays_away_is_asked_less_and_less(broker: str) -> None:
    loop = asyncio.get_running_loop()
    moments: list[float] = []

    async def react(_event: ReceivedEvent) -> None:
        moments.append(loop.time())
        if len(moments) < 5:
            raise Unavailable("postgresql")

    await publish(broker, signed(an_event(1)))
    registry = CollectorRegistry()
    async with working(a_subscriber(broker, react, registry=registry, longest_wait=0.2)):
        await acknowledged(registry, 1)
    waits = [later - earlier for earlier, later in pairwise(moments)]
    assert [round(wait, 1) for wait in waits] == [0.1, 0.2, 0.2, 0.2]
