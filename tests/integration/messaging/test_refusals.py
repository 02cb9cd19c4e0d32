"""A queue that refuses is its owner's trouble: no other waits, or gets anything twice."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from pamqp.common import FieldTable
from prometheus_client import CollectorRegistry
from yarl import URL

from deploy.local import ports, rabbitmq, rabbitmq_install
from shared.contracts.events import Event
from shared.contracts.topology import ADMIN, EVENTS, RESOURCE
from shared.database.pool import Database
from shared.messaging.refusals import management_api
from tests.support.messaging import (
    CREATED,
    UPDATED,
    a_relay,
    add,
    all_published,
    an_event,
    channel_to,
    contents,
    messages,
    tapped,
    waiting,
)
from tests.support.supervision import supervised
from tests.support.waiting import until

FULL: FieldTable = {"x-max-length": 2, "x-overflow": "reject-publish"}
QUORUM: FieldTable = {"x-queue-type": "quorum"}


def of_user(uid: str, number: int, name: str = UPDATED) -> Event:
    return an_event(name=name, record={"uid": uid, "number": number})


def of_users(count: int) -> list[Event]:
    """Events of three users, in turn."""
    return [of_user(f"ID{number % 3}", number) for number in range(count)]


@asynccontextmanager
async def full_queue(url: str, exchange: str, key: str) -> AsyncIterator[AbstractChannel]:
    """Somebody's queue `theirs`, which accepts two messages and refuses all others."""
    async with channel_to(url) as channel:
        queue = await channel.declare_queue("theirs", durable=True, arguments=FULL)
        await queue.bind(exchange, key)
        yield channel


async def ids_in(channel: AbstractChannel, queue: str) -> list[uuid.UUID]:
    """The ids of all messages in a queue, in order, each where it stands first."""
    taken = await contents(channel, queue, await messages(channel, queue))
    return list(dict.fromkeys(uuid.UUID(message.message_id) for message in taken))


def refused(registry: CollectorRegistry, destination: str) -> float:
    labels = {"destination": destination}
    return registry.get_sample_value("outbox_refused_total", labels) or 0


@pytest.mark.parametrize(
    ("exchange", "key"),
    [(EVENTS, "#"), (f"{EVENTS}.model", "user.updated")],
    ids=["topic", "direct"],
)
async def test_a_full_queue_of_somebody_repeats_and_delays_nothing(
    exchange: str, key: str, schema: Database, broker: str
) -> None:
    registry = CollectorRegistry()
    events = of_users(30)
    relay = a_relay(schema, broker, registry=registry)
    async with full_queue(broker, exchange, key) as channel, tapped(broker) as tap:
        await add(schema, *events)
        async with supervised("relay", relay.run):
            await all_published(schema, 5)
            last = of_user("ID1", 30)
            await add(schema, last)  # what is repeated comes before it
            await tap.hears_of(last)
            await all_published(schema, 5)
        ids = [event.id for event in (*events, last)]
        assert Counter(tap.ids()) == dict.fromkeys(ids, 1)
        assert Counter(tap.ids(f"{EVENTS}.model")) == dict.fromkeys(ids, 1)
        assert await messages(channel, "theirs") == 2
        for ours in (ADMIN, RESOURCE):
            assert await messages(channel, ours.queue) <= 2 * len(ids)
            assert set(await ids_in(channel, ours.queue)) == set(ids)
    assert refused(registry, exchange) == len(ids) - 2


def limit(folder: Path, broker: str, queue: str, messages: int) -> None:
    """Lets an operator's policy limit a queue of ours, which then refuses what is too much."""
    vhost = urlsplit(broker).path.removeprefix("/")
    rabbitmq.evaluate(
        folder,
        f'ok = rabbit_policy:set(<<"{vhost}">>, <<"limit">>, <<"^{queue}$">>,'
        f' [{{<<"max-length">>, {messages}}}], 1, <<"queues">>, <<"test">>).',
    )


async def test_when_one_of_our_queues_refuses_nothing_is_repeated_for_others(
    schema: Database, broker: str, rabbitmq_folder: Path
) -> None:
    """And whatever the queue accepts, it accepts in the order of each user."""
    registry = CollectorRegistry()
    events = of_users(12)
    relay = a_relay(schema, broker, registry=registry, poll_seconds=0.1)
    async with channel_to(broker) as channel, tapped(broker) as tap:
        limit(rabbitmq_folder, broker, ADMIN.queue, 4)
        await add(schema, *events)
        async with supervised("relay", relay.run):
            await until(lambda: refuses_for_a_while(registry, ADMIN.queue))
            assert await waiting(schema) < len(events)  # some users' events are all done
            received = [await ids_in(channel, ADMIN.queue)]

            async def emptied() -> bool:
                received.append(await ids_in(channel, ADMIN.queue))
                return await waiting(schema) == 0

            await until(emptied)
        received.append(await ids_in(channel, ADMIN.queue))
        assert Counter(tap.ids()) == dict.fromkeys([event.id for event in events], 1)
        assert await messages(channel, RESOURCE.queue) <= 2 * len(events)

    order = list(dict.fromkeys(event_id for ids in received for event_id in ids))
    for uid in ("ID0", "ID1", "ID2"):
        ids = [event.id for event in events if event.record["uid"] == uid]
        assert [event_id for event_id in order if event_id in ids] == ids


async def refuses_for_a_while(registry: CollectorRegistry, destination: str) -> bool:
    return refused(registry, destination) >= 6


async def test_a_queue_that_does_not_confirm_delays_one_event_and_no_other(
    schema: Database, broker: str, rabbitmq_folder: Path
) -> None:
    """Such is a quorum queue without a majority; here, its only member is stopped."""
    registry = CollectorRegistry()
    relay = a_relay(schema, broker, registry=registry, confirm_seconds=1)
    async with channel_to(broker) as channel, tapped(broker) as tap:
        queue = await channel.declare_queue("theirs", durable=True, arguments=QUORUM)
        await queue.bind(EVENTS, UPDATED)
        stop_member(rabbitmq_folder, broker, "theirs")
        async with supervised("relay", relay.run):
            await add(schema, first := of_user("ID1", 0))
            await all_published(schema, 8)
            others = [of_user(f"ID{n}", n, name) for n in range(20) for name in (UPDATED, CREATED)]
            begun = asyncio.get_running_loop().time()
            for event in others:
                await add(schema, event)
            await all_published(schema, 8)
            # Twenty confirms of a second each are not waited for.
            assert asyncio.get_running_loop().time() - begun < len(others) // 2
        ids = [first.id, *(event.id for event in others)]
        await tap.hears(len(ids))
        assert Counter(tap.ids()) == dict.fromkeys(ids, 1)
        assert set(await ids_in(channel, ADMIN.queue)) == set(ids)
    assert refused(registry, EVENTS) >= 1


def stop_member(folder: Path, broker: str, queue: str) -> None:
    vhost = urlsplit(broker).path.removeprefix("/")
    rabbitmq.evaluate(folder, f"ok = ra:stop_server(quorum_queues, {{'{vhost}_{queue}', node()}}).")


async def test_a_broker_without_memory_delays_events_and_repeats_none(
    schema: Database, broker: str, rabbitmq_folder: Path
) -> None:
    registry = CollectorRegistry()
    relay = a_relay(schema, broker, registry=registry, poll_seconds=0.1, confirm_seconds=0.5)
    events = of_users(6)

    async def blocked() -> bool:
        return registry.get_sample_value("outbox_connection_blocked") == 1

    async def unblocked() -> bool:
        return not await blocked()

    async def waits() -> bool:
        # Longer than any confirm may be missing, and longer than it takes to see that.
        return (registry.get_sample_value("outbox_oldest_seconds") or 0) > 3

    async with tapped(broker) as tap, supervised("relay", relay.run):
        await add(schema, before := of_user("ID1", -1))
        await all_published(schema)
        with memory_alarm(rabbitmq_folder):
            await add(schema, *events)
            await until(blocked)
            await until(waits)
            assert await waiting(schema) == len(events)
        await all_published(schema)
        await until(unblocked)
        ids = [event.id for event in (before, *events)]
        assert Counter(await tap.hears(len(ids))) == dict.fromkeys(ids, 1)


@contextmanager
def memory_alarm(folder: Path) -> Iterator[None]:
    """The broker believes that it has no memory left."""
    alarm = "{resource_limit, memory, node()}"
    rabbitmq.evaluate(folder, f"rabbit_alarm:set_alarm({{{alarm}, []}}), ok.")
    try:
        yield
    finally:
        rabbitmq.evaluate(folder, f"rabbit_alarm:clear_alarm({alarm}), ok.")


def management_port(folder: Path) -> int:
    """RabbitMQ's management plugin, which the broker of the tests does not load by itself."""
    [home, *_] = rabbitmq_install.find_or_download(rabbitmq.DOWNLOADS).home.glob("plugins")
    paths = ", ".join(f'"{path}"' for path in sorted(home.glob("*/ebin")))
    port = ports.free_ports(1)[0]
    rabbitmq.evaluate(
        folder,
        f"code:add_pathsz([{paths}]),"
        "application:set_env(rabbitmq_management, tcp_config,"
        f' [{{port, {port}}}, {{ip, "127.0.0.1"}}]),'
        # Queues that are made from now on report how many messages they have.
        "application:set_env(rabbit, collect_statistics, coarse),"
        "application:set_env(rabbit, collect_statistics_interval, 500),"
        "{ok, _} = application:ensure_all_started(rabbitmq_management), ok.",
    )
    return port


async def test_a_metric_names_the_queues_that_refuse(
    schema: Database, broker: str, rabbitmq_folder: Path
) -> None:
    place = URL(broker)
    api = URL.build(
        scheme="http",
        user=place.user,
        password=place.password,
        host="127.0.0.1",
        port=management_port(rabbitmq_folder),
    )
    registry = CollectorRegistry()
    relay = a_relay(schema, broker, registry=registry, management=management_api(str(api), broker))

    async def named() -> bool:
        return queues_named(registry) == {"behind/another exchange", "theirs"}

    async with full_queue(broker, EVENTS, "#") as channel:
        exchange = await channel.declare_exchange("another", ExchangeType.FANOUT)
        await exchange.bind(EVENTS, "model.#")
        queue = await channel.declare_queue("behind/another exchange", arguments=FULL)
        await queue.bind(exchange)
        healthy = await channel.declare_queue("healthy", durable=True)
        await healthy.bind(EVENTS, "#")
        async with supervised("relay", relay.run):
            await add(schema, *of_users(5))
            await until(named)


async def test_a_metric_says_that_some_queue_refuses_where_nothing_can_name_it(
    schema: Database, broker: str
) -> None:
    registry = CollectorRegistry()
    closed = management_api(f"http://127.0.0.1:{ports.free_ports(1)[0]}", broker)
    relay = a_relay(schema, broker, registry=registry, management=closed)

    async def unnamed() -> bool:
        return queues_named(registry) == {"unknown"}

    async with full_queue(broker, EVENTS, "#"), supervised("relay", relay.run):
        await add(schema, *of_users(5))
        await until(unnamed)


def queues_named(registry: CollectorRegistry) -> set[str]:
    return {
        sample.labels["queue"]
        for metric in registry.collect()
        if metric.name == "outbox_refusing_queue"
        for sample in metric.samples
        if sample.value == 1
    }
