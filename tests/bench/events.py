"""How soon a subscriber knows what happened, and how fast waiting events leave."""

import asyncio
import base64
import os
import random
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import orjson
from aio_pika.abc import AbstractIncomingMessage
from aiormq.abc import DeliveredMessage

from shared.contracts.topology import EVENTS
from shared.messaging.broker import connected, declare_topology
from tests.bench.installed import Bench, helper, installed, output_of
from tests.bench.row import Row, percentile
from tests.bench.users_me import cpu_seconds, postgres_of, rabbitmq_of
from tests.support.system import PASSWORD
from tests.support.waiting import until

COUNT = 600
_LABELS_OF_ONE_USER = 100
_WARM_UP = 20
_LONGEST_PAUSE = 0.02
WAITING = int(os.environ.get("BARONG_BENCH_WAITING_EVENTS", "100000"))
_USERS = 1000
_RATE, _RATE_SECONDS = 500, 20
_DRAIN_SECONDS = 600
_WITH_ES256 = 2500
_RELAY = "the relay"
_UNMEASURED = 0.1  # of the events: the service starts meanwhile


def rows() -> Iterator[Row]:
    """How soon a subscriber has an event, and how fast a relay drains what waits."""
    yield from _drained()
    yield from _steady()
    yield from _latency()


def _drained() -> Iterator[Row]:
    """Events that wait while identity-svc is down, and then leave.

    identity-svc has one core. PostgreSQL, RabbitMQ and the subscriber have the others, and take
    part of that one if they need it: so its processor time is what counts.
    """
    core = max(os.sched_getaffinity(0))
    alone = float(output_of(helper("signatures_alone", core)))
    yield Row("RS256 signatures alone, a second of one core", alone, "/s")
    yield from _drained_with("RS256", core, alone / 2)
    yield from _drained_with("ES256", core, _WITH_ES256)


def _drained_with(algorithm: str, core: int, limit: float) -> Iterator[Row]:
    with installed(BARONG_EVENT_ALGORITHM=algorithm) as bench:
        drained = asyncio.run(_drain(bench, core))
    numbers, busy = drained.numbers, drained.busy
    what = f"{algorithm}: of {WAITING} waiting events of {_USERS} users,"
    yield Row(f"{what} in a second of the relay", 1 / busy[_RELAY], "/s", limit, "at least")
    yield Row(f"{what} in a second by the clock", 1 / drained.seconds, "/s", limit, "at least")
    for part, seconds in busy.items():
        yield Row(f"{algorithm}: processor time of an event, {part}", seconds * 1000, "ms")
    yield Row(f"{what} lost", WAITING - len(set(numbers)), "events", 1)
    yield Row(f"{what} before an earlier one", _disorder(numbers), "events", 1)


@dataclass(frozen=True, slots=True)
class _Drained:
    """The numbers of the events as they came, and what one of the last nine tenths took.

    Seconds by the clock, and seconds of a core by each part: both are without the start.
    """

    numbers: list[int]
    seconds: float
    busy: Mapping[str, float]


async def _drain(bench: Bench, core: int) -> _Drained:
    numbers: list[int] = []
    moments: list[float] = []

    async def receive(message: DeliveredMessage) -> None:
        payload = orjson.loads(message.body)["payload"]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=="))
        numbers.append(claims["event"]["record"]["number"])
        moments.append(time.perf_counter())

    async with connected(bench.system.environments["identity"]["AMQP_URL"], "bench") as connection:
        channel = await connection.channel()
        await declare_topology(channel)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(EVENTS, "model.user.updated")
        # Without aio-pika's wrappers: the subscriber takes what the others need.
        underlay = await channel.get_underlay_channel()
        await underlay.basic_consume(queue.name, receive, no_ack=True)
        async with bench.database.connected() as database:
            await database.execute("UPDATE identity.outbox SET published_at = now()")
            await database.execute(
                """
                INSERT INTO identity.outbox (event_id, name, record)
                SELECT gen_random_uuid(), 'model.user.updated', jsonb_build_object(
                    'uid', 'ID' || n % $2, 'number', n, 'note', repeat('x', 300)
                )
                FROM generate_series(1, $1) AS n
                """,
                WAITING,
                _USERS,
            )
        with bench.process("identity") as process:
            await asyncio.to_thread(bench.wait, "identity")
            for thread in process.threads():
                os.sched_setaffinity(thread.id, {core})

            async def came(share: float) -> bool:
                return len(numbers) >= WAITING * share

            postgres, rabbitmq = postgres_of(bench.folder), rabbitmq_of(bench.folder)

            def busy() -> Mapping[str, float]:
                return {
                    _RELAY: cpu_seconds([process]),
                    "PostgreSQL": cpu_seconds(postgres),
                    "RabbitMQ": cpu_seconds(rabbitmq),
                    "the subscriber": time.process_time(),
                }

            await until(partial(came, _UNMEASURED), _DRAIN_SECONDS)
            first, begun = len(numbers), busy()
            await until(partial(came, 1), _DRAIN_SECONDS)
            count, ended = WAITING - first, busy()
    of_each = {name: (seconds - begun[name]) / count for name, seconds in ended.items()}
    return _Drained(numbers, (moments[-1] - moments[first]) / count, of_each)


def _disorder(numbers: list[int]) -> int:
    """How many events came for the first time when a later one of the same user had come."""
    newest: dict[int, int] = {}
    disorder = 0
    for number in dict.fromkeys(numbers):
        user = number % _USERS
        disorder += number < newest.get(user, 0)
        newest[user] = max(number, newest.get(user, 0))
    return disorder


def _steady() -> Iterator[Row]:
    """Events that are committed one after the other, 500 a second, while nothing else happens."""
    with installed() as bench, bench.running("identity"):
        milliseconds = asyncio.run(_paced(bench))
    what = f"{_RATE} events a second: committed to received, of {len(milliseconds)} the"
    yield Row(f"{what} median", statistics.median(milliseconds), "ms")
    yield Row(f"{what} p99", percentile(milliseconds, 0.99), "ms", 30)


async def _paced(bench: Bench) -> list[float]:
    """Milliseconds from commit to receipt; the service is ready a moment before its relay is."""
    committed: dict[UUID, float] = {}
    async with (
        _received(bench, "model.user.updated") as received,
        bench.database.connected() as database,
    ):
        first = await _write_event(database, 0)

        async def first_came() -> bool:
            return first in received

        await until(first_came)
        begun = time.perf_counter()
        for number in range(_RATE * _RATE_SECONDS):
            await asyncio.sleep(begun + number / _RATE - time.perf_counter())
            event_id = await _write_event(database, number)
            committed[event_id] = datetime.now(UTC).timestamp()

        async def all_came() -> bool:
            return committed.keys() <= received.keys()

        await until(all_came, _DRAIN_SECONDS)
    return [(received[each] - moment) * 1000 for each, moment in committed.items()]


async def _write_event(database: "asyncpg.Connection[asyncpg.Record]", number: int) -> UUID:
    event_id = uuid4()
    async with database.transaction():
        await database.execute(
            """
            INSERT INTO identity.outbox (event_id, name, record)
            VALUES ($1, 'model.user.updated', jsonb_build_object('uid', $2::text))
            """,
            event_id,
            f"ID{number % _USERS}",
        )
        await database.execute("SELECT pg_notify('outbox_identity', '')")
    return event_id


def _latency() -> Iterator[Row]:
    """Sign-ups, whose events identity-svc signs itself, and labels, whose events it signs for
    resource-svc; one at a time, on a system that does nothing else.

    A row of the outbox is written before its commit, so what is measured is a little more than
    the time from the commit.
    """
    with installed() as bench, bench.running():
        for name, milliseconds in asyncio.run(_measured(bench)).items():
            what = f"{name}: written to received, of {len(milliseconds)} the"
            yield Row(f"{what} median", statistics.median(milliseconds), "ms")
            yield Row(f"{what} p99", percentile(milliseconds, 0.99), "ms", 50)
            yield Row(f"{what} slowest", max(milliseconds), "ms")


async def _measured(bench: Bench) -> dict[str, list[float]]:
    names = "model.user.created", "model.label.created"
    async with _received(bench, *names) as received, aiohttp.ClientSession() as http:
        bearers = [await _signed_up(bench, http, n) for n in range(COUNT + _WARM_UP)]
        for n in range(COUNT + _WARM_UP):
            await _labelled(bench, http, bearers[n // _LABELS_OF_ONE_USER], f"label-{n}")

        async def all_received() -> bool:
            return len(received) >= 2 * (COUNT + _WARM_UP)

        await until(all_received)
        return {
            "model.user.created": await _latencies(bench, "identity.events", "user", received),
            "model.label.created": await _latencies(bench, "resource.events", "label", received),
        }


async def _latencies(
    bench: Bench, archive: str, record: str, received: dict[UUID, float]
) -> list[float]:
    async with bench.database.connected() as connection:
        rows = await connection.fetch(
            f"SELECT event_id, created_at FROM {archive} WHERE name = $1 ORDER BY id",
            f"model.{record}.created",
        )
    heard = [row for row in rows if row["event_id"] in received][-COUNT:]
    written = {row["event_id"]: row["created_at"].timestamp() for row in heard}
    return [(received[event_id] - moment) * 1000 for event_id, moment in written.items()]


@asynccontextmanager
async def _received(bench: Bench, *names: str) -> AsyncIterator[dict[UUID, float]]:
    """When each event came into a subscriber's hands, from now on."""
    moments: dict[UUID, float] = {}

    async def receive(message: AbstractIncomingMessage) -> None:
        moments[UUID(message.message_id)] = datetime.now(UTC).timestamp()

    url = bench.system.environments["identity"]["AMQP_URL"]
    async with connected(url, "bench") as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for name in names:
            await queue.bind(EVENTS, name)
        await queue.consume(receive, no_ack=True)
        yield moments


async def _signed_up(bench: Bench, http: aiohttp.ClientSession, number: int) -> str:
    url = f"{bench.system.public_url('identity')}/api/v2/identity/users"
    form = {"email": f"{number}-{time.monotonic_ns()}@example.com", "password": PASSWORD}
    async with http.post(url, data=form) as response:
        assert response.status == 201, await response.text()
        await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))
        return response.headers["Authorization"]


async def _labelled(bench: Bench, http: aiohttp.ClientSession, bearer: str, key: str) -> None:
    url = f"{bench.system.gateway_url}/api/v2/barong/resource/labels"
    form, headers = {"key": key, "value": "blue"}, {"Authorization": bearer}
    async with http.post(url, data=form, headers=headers) as response:
        assert response.status == 201, await response.text()
        await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))
