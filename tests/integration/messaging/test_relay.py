"""The relay: nothing lost, in order, whatever comes and goes."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from aio_pika.abc import AbstractIncomingMessage, DeliveryMode
from prometheus_client import CollectorRegistry

from shared.contracts.events import Event
from shared.contracts.topology import ADMIN, EVENTS, MAILER, SUBSCRIPTIONS, WEBHOOKS
from shared.database.pool import Database
from shared.messaging import relay as relay_module
from shared.messaging.relay import Relay
from tests.support import barong_subscriber
from tests.support.gate import Gate
from tests.support.messaging import (
    CREATED,
    KID,
    Signer,
    a_relay,
    add,
    all_published,
    an_event,
    channel_to,
    messages,
    public_key,
    refused_again,
    tapped,
    verifier,
    waiting,
)
from tests.support.supervision import supervised
from tests.support.waiting import until


def working(relay: Relay) -> AbstractAsyncContextManager[None]:
    return supervised("relay", relay.run)


def reached_by(gate: Gate, schema: Database) -> Database:
    return Database(gate.url, schema.schema)


def ids(events: Sequence[Event]) -> list[uuid.UUID]:
    return [event.id for event in events]


def in_order_of_first(heard: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Without repetitions, which a lost connection may cause."""
    return list(dict.fromkeys(heard))


async def test_events_leave_in_the_order_in_which_they_were_written(
    schema: Database, broker: str
) -> None:
    sizes = (1, 200_000, 1, 4_000, 150_000)
    events = [an_event(n, record={"n": n, "x": "x" * sizes[n % 5]}) for n in range(230)]
    await add(schema, *events[:150])
    async with tapped(broker) as tap, working(a_relay(schema, broker)):
        for event in events[150:]:
            await add(schema, event)
        await tap.hears(len(events), f"{EVENTS}.model")
        await all_published(schema)

    assert tap.ids() == ids(events)
    assert tap.ids(f"{EVENTS}.model") == ids(events)


async def test_large_events_leave_few_at_a_time(schema: Database, broker: str) -> None:
    sizes = [1_000_000] * 13 + [relay_module.BATCH_BYTES * 2] + [10] * 50
    events = [an_event(n, record={"x": "x" * size}) for n, size in enumerate(sizes)]
    signer = Signer()
    await add(schema, *events)
    async with tapped(broker) as tap, working(a_relay(schema, broker, signer)):
        await tap.hears(len(events))
        await all_published(schema)

    assert tap.ids() == ids(events)
    assert signer.batches == [5, 5, 4, 50]


async def test_one_signature_serves_both_kinds_of_exchange(schema: Database, broker: str) -> None:
    names = (CREATED, "system.session.create")
    await add(schema, *(an_event(name=name) for name in names))
    signer = Signer()
    async with tapped(broker) as tap, working(a_relay(schema, broker, signer)):
        await tap.hears(2)
        await tap.hears(1, f"{EVENTS}.model")
        await tap.hears(1, f"{EVENTS}.system")

    assert sum(signer.batches) == 2, "each event is signed once"

    for name in names:
        _, prefix, key = ("", *name.split(".", 1))
        [new] = [(on, key, m) for on, key, m in tap.heard if on == EVENTS and m.type == name]
        [old] = [(on, key, m) for on, key, m in tap.heard if on != EVENTS and m.type == name]
        assert new[1] == name
        assert old[:2] == (f"{EVENTS}.{prefix}", key)
        event = await verifier().open(new[2].body)
        claims = barong_subscriber.verified(old[2].body, public_key())
        assert (str(event.id), event.name) == (claims["jti"], claims["event"]["name"])
        assert _signature(new[2]) == _signature(old[2])
        assert old[2].body == new[2].body.replace(KID.encode(), b"barong")
        for _, _, message in (new, old):
            assert message.content_type == "application/jose+json"
            assert message.delivery_mode == DeliveryMode.PERSISTENT


def _signature(message: AbstractIncomingMessage) -> str:
    [signature] = json.loads(message.body)["signatures"]
    return str(signature["signature"])


async def test_an_event_is_kept_for_each_service_that_asked_for_it(
    schema: Database, broker: str
) -> None:
    names = ("model.user.created", "model.user.updated", "system.user.email.confirmed")
    await add(schema, *(an_event(name=name) for name in names))
    async with working(a_relay(schema, broker)):
        await all_published(schema)
    async with channel_to(broker) as channel:
        kept = {sub.queue: await messages(channel, sub.queue) for sub in SUBSCRIPTIONS}

    assert {queue: count for queue, count in kept.items() if count} == {
        "resource-svc": 3,
        "admin-svc": 2,
        "mailer-svc": 3,
        "webhooks-svc": 3,
        "oauth-svc": 1,
    }


async def test_a_commit_wakes_the_relay(schema: Database, broker: str) -> None:
    async with tapped(broker) as tap, working(a_relay(schema, broker, poll_seconds=600.0)):
        await add(schema, an_event())
        await tap.hears(1)
        await add(schema, an_event())
        await tap.hears(2)  # long before it looks by itself


async def test_a_notification_that_was_lost_only_delays(schema: Database, broker: str) -> None:
    async with tapped(broker) as tap, working(a_relay(schema, broker, poll_seconds=0.1)):
        await add(schema, an_event())
        await tap.hears(1)
        async with schema.connection() as connection:
            await connection.execute(
                "INSERT INTO outbox (event_id, name, record) VALUES ($1, $2, '{}')",
                *(uuid.uuid4(), CREATED),
            )
        await tap.hears(2)


async def test_one_of_two_relays_leads_and_the_other_takes_over(
    schema: Database, broker: str
) -> None:
    events = [an_event(number) for number in range(60)]
    async with tapped(broker) as tap:
        async with working(a_relay(schema, broker, poll_seconds=0.1)):
            await add(schema, events[0])
            await tap.hears(1)
            second = asyncio.create_task(a_relay(schema, broker, poll_seconds=0.1).run())
            for event in events[1:30]:
                await add(schema, event)
            await tap.hears(30)
            await all_published(schema)
        await add(schema, *events[30:])
        await tap.hears(60)
        await all_published(schema)
        second.cancel()
        await asyncio.wait([second])

    assert tap.ids() == ids(events)


async def test_the_next_relay_takes_over_when_the_leader_is_cut_off(
    schema: Database, schema_gate: Gate, broker: str
) -> None:
    leader = a_relay(reached_by(schema_gate, schema), broker, poll_seconds=0.1)
    async with tapped(broker) as tap, working(leader):
        await add(schema, an_event(1))
        await tap.hears(1)
        async with working(a_relay(schema, broker, poll_seconds=0.1)):
            await schema_gate.shut()
            await add(schema, an_event(2))
            await tap.hears(2)
            await all_published(schema)


async def test_it_outlives_lost_connections_to_both_sides(
    schema: Database, schema_gate: Gate, broker_gate: Gate, broker: str
) -> None:
    events = [an_event(number) for number in range(7)]
    relay = a_relay(reached_by(schema_gate, schema), broker_gate.url)
    async with tapped(broker) as tap, working(relay):
        for number, event in enumerate(events):
            await add(schema, event)
            await tap.hears_of(event)
            if number % 3:
                (broker_gate if number % 3 == 1 else schema_gate).cut()
        await all_published(schema)

    assert in_order_of_first(tap.ids()) == ids(events)
    assert min(broker_gate.accepted, schema_gate.accepted) >= 3


async def test_it_waits_for_a_broker_that_is_not_there_and_tells_what_waits(
    schema: Database, broker_gate: Gate, broker: str
) -> None:
    registry = CollectorRegistry()
    await broker_gate.shut()
    await add(schema, an_event(1), an_event(2))

    async def told() -> bool:
        return registry.get_sample_value("outbox_backlog") == 2

    relay = a_relay(schema, broker_gate.url, registry=registry)
    async with tapped(broker) as tap, working(relay):
        await until(told)
        assert await waiting(schema) == 2
        assert (registry.get_sample_value("outbox_oldest_seconds") or 0) > 0
        await broker_gate.open()
        await tap.hears(2)
        await all_published(schema)
    assert registry.get_sample_value("outbox_published_total") == 2


async def test_who_leads_no_more_tells_of_no_backlog(
    schema: Database, schema_gate: Gate, broker: str
) -> None:
    registry = CollectorRegistry()

    def tells(backlog: int) -> Callable[[], Awaitable[bool]]:
        async def told() -> bool:
            return registry.get_sample_value("outbox_backlog") == backlog

        return told

    await add(schema, an_event())
    first = a_relay(reached_by(schema_gate, schema), broker, Signer(down=True), registry)
    async with working(first):
        await until(tells(1))
        await schema_gate.shut()
        waits = registry.get_sample_value("outbox_oldest_seconds") or 0
        assert 0 < waits < (registry.get_sample_value("outbox_oldest_seconds") or 0)
        async with working(a_relay(schema, broker)):
            await all_published(schema)
            assert await tells(1)()  # it cannot know
            await schema_gate.open()
            await until(tells(0))


async def test_while_nobody_signs_nothing_is_marked_or_lost(schema: Database, broker: str) -> None:
    signer = Signer(down=True)
    events = [an_event(number) for number in range(3)]
    await add(schema, *events)
    async with tapped(broker) as tap, working(a_relay(schema, broker, signer)):
        await refused_again(signer)
        assert await waiting(schema) == 3
        assert tap.heard == []
        signer.down = False
        await tap.hears(3)
        await all_published(schema)

    assert tap.ids() == ids(events)


async def test_a_death_between_publishing_and_marking_publishes_again(
    schema: Database, broker: str
) -> None:
    event = an_event(secrets={"token": "again"})
    await add(schema, event)

    async def killed() -> bool:
        async with schema.connection() as connection:
            return bool(
                await connection.fetch(
                    """
                    SELECT pg_terminate_backend(pid)
                    FROM pg_stat_activity
                    WHERE wait_event_type = 'Lock' AND query LIKE '%DELETE FROM outbox%'
                    """
                )
            )

    async with tapped(broker) as tap, working(a_relay(schema, broker)):
        async with schema.transaction() as connection:
            await connection.execute("SELECT id FROM outbox FOR UPDATE")
            await tap.hears(1)
            await until(killed)
            await tap.hears(2)
        await all_published(schema)

    assert tap.ids() == [event.id, event.id]
    for exchange, _, message in tap.heard:
        if exchange == EVENTS:
            assert (await verifier().open(message.body)).record["token"] == "again"


async def test_an_event_that_finds_no_queue_is_kept_until_the_queue_is_back(
    schema: Database, broker: str
) -> None:
    async with working(a_relay(schema, broker)), channel_to(broker) as channel:
        await add(schema, an_event(1))
        await all_published(schema)
        for bound in (ADMIN, SUBSCRIPTIONS[1], MAILER, WEBHOOKS):  # all that the event goes to
            await channel.queue_delete(bound.queue)

        await add(schema, an_event(2))
        await all_published(schema)

        assert await messages(channel, ADMIN.queue) == 1
        assert await messages(channel, SUBSCRIPTIONS[1].queue) == 1


async def test_an_event_that_nobody_of_ours_expects_needs_no_queue(
    schema: Database, broker: str
) -> None:
    await add(schema, an_event(name="system.nothing.happened"))
    async with working(a_relay(schema, broker)):
        await all_published(schema)


async def test_an_exchange_that_was_deleted_comes_back(schema: Database, broker: str) -> None:
    async with working(a_relay(schema, broker)):
        await add(schema, an_event(1))
        await all_published(schema)
        async with channel_to(broker) as channel:
            await channel.exchange_delete(f"{EVENTS}.model")
            await channel.exchange_delete(EVENTS)
        await add(schema, an_event(2))
        await all_published(schema)
