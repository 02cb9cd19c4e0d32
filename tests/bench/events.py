"""How soon a subscriber knows what happened."""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import UUID

import aiohttp
from aio_pika.abc import AbstractIncomingMessage

from shared.contracts.topology import EVENTS
from shared.messaging.broker import connected
from tests.bench.installed import Bench, installed
from tests.bench.row import Row, percentile
from tests.support.system import PASSWORD
from tests.support.waiting import until

COUNT = 600
_LABELS_OF_ONE_USER = 100
_WARM_UP = 20
_LONGEST_PAUSE = 0.02


def rows() -> Iterator[Row]:
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
    async with _received(bench) as received, aiohttp.ClientSession() as http:
        bearers = [await _signed_up(bench, http, n) for n in range(COUNT + _WARM_UP)]
        for n in range(COUNT + _WARM_UP):
            await _labelled(bench, http, bearers[n // _LABELS_OF_ONE_USER], f"label-{n}")

        async def all_received() -> bool:
            return len(received) >= 2 * (COUNT + _WARM_UP)

        await until(all_received)
        return {
            "model.user.created": await _latencies(bench, "identity.outbox", "user", received),
            "model.label.created": await _latencies(bench, "resource.outbox", "label", received),
        }


async def _latencies(
    bench: Bench, outbox: str, record: str, received: dict[UUID, float]
) -> list[float]:
    async with bench.database.connected() as connection:
        rows = await connection.fetch(
            f"SELECT event_id, created_at FROM {outbox} WHERE name = $1 ORDER BY id",
            f"model.{record}.created",
        )
    heard = [row for row in rows if row["event_id"] in received][-COUNT:]
    written = {row["event_id"]: row["created_at"].timestamp() for row in heard}
    return [(received[event_id] - moment) * 1000 for event_id, moment in written.items()]


@asynccontextmanager
async def _received(bench: Bench) -> AsyncIterator[dict[UUID, float]]:
    """When each event came into a subscriber's hands, from now on."""
    moments: dict[UUID, float] = {}

    async def receive(message: AbstractIncomingMessage) -> None:
        moments[UUID(message.message_id)] = datetime.now(UTC).timestamp()

    url = bench.system.environments["identity"]["AMQP_URL"]
    async with connected(url, "bench") as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        for name in ("model.user.created", "model.label.created"):
            await queue.bind(EVENTS, name)
        await queue.consume(receive, no_ack=True)
        yield moments


async def _signed_up(bench: Bench, http: aiohttp.ClientSession, number: int) -> str:
    url = f"{bench.system.public_url('identity')}/api/v2/identity/users"
    form = {"email": f"{number}-{time.monotonic_ns()}@example.com", "password": PASSWORD}
    async with http.post(url, data=form) as response:
        assert response.status == 201
        await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))
        return response.headers["Authorization"]


async def _labelled(bench: Bench, http: aiohttp.ClientSession, bearer: str, key: str) -> None:
    url = f"{bench.system.public_url('resource')}/api/v2/resource/labels"
    form, headers = {"key": key, "value": "blue"}, {"Authorization": bearer}
    async with http.post(url, data=form, headers=headers) as response:
        assert response.status == 201
        await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))
