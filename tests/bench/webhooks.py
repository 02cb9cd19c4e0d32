"""10,000 webhooks to 100 endpoints, one of which hangs: how soon the others have theirs."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from uuid import uuid4

from aiohttp import web

from shared.crypto.key_ring import KeyRing
from shared.web.server import listening
from tests.bench.installed import Bench, installed
from tests.bench.row import Row, percentile
from tests.support.system import KEY
from tests.support.waiting import until
from webhooks_svc.endpoints.models import Seal, new_secret

ENDPOINTS = 100
EACH = int(os.environ.get("BARONG_BENCH_WEBHOOKS", "10000")) // ENDPOINTS
_SECONDS = 600


def rows() -> Iterator[Row]:
    """Deliveries that are all due when their endpoints are made active."""
    with installed() as bench:
        yield from asyncio.run(_measured(bench))


async def _measured(bench: Bench) -> list[Row]:
    came: dict[tuple[str, str], float] = {}
    repeated: Counter[tuple[str, str]] = Counter()
    released = asyncio.Event()

    async def receive(request: web.Request) -> web.Response:
        await request.read()
        if request.match_info["number"] == "0":
            await released.wait()
        key = request.match_info["number"], request.headers["webhook-id"]
        repeated[key] += key in came
        came.setdefault(key, time.perf_counter())
        return web.Response()

    def of_others() -> list[float]:
        return [moment for (number, _), moment in came.items() if number != "0"]

    async def others_came() -> bool:
        return len(of_others()) >= (ENDPOINTS - 1) * EACH

    async with _receiver(receive) as url:
        await _fill(bench, url)
        with bench.process("identity"), bench.process("webhooks") as process:
            await asyncio.to_thread(bench.wait, "webhooks")
            times = process.cpu_times()
            begun = time.perf_counter()
            await _activate(bench)
            try:
                await until(others_came, _SECONDS)
            finally:
                released.set()
            busy = sum(process.cpu_times()[:2]) - sum(times[:2])
    waited = [max(moment - begun, 0) for moment in of_others()]
    what = f"{ENDPOINTS * EACH} due webhooks to {ENDPOINTS} endpoints, one hangs"
    return [
        Row(f"{what}: the others' a second", len(waited) / max(waited), "/s"),
        Row("until the others had theirs, of these the median", percentile(waited, 0.5), "s"),
        Row("until the others had theirs, of these p99", percentile(waited, 0.99), "s"),
        Row("until the others had theirs, of these the last", max(waited), "s"),
        Row("of the others', missing", (ENDPOINTS - 1) * EACH - len(waited), "", 1),
        Row("of the others', sent twice", sum(repeated.values()), "", 1),
        Row("processor time for each", busy / len(waited) * 1000, "ms"),
    ]


@asynccontextmanager
async def _receiver(receive: object) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_post("/{number}", receive)  # type: ignore[arg-type]
    async with listening(application, "127.0.0.1", 0, shutdown_seconds=0.1) as address:
        yield address


async def _fill(bench: Bench, url: str) -> None:
    """Endpoints, and what waits for them."""
    seal = Seal(KeyRing.parse(KEY))
    async with bench.database.connected() as connection:
        endpoint_ids = [
            await connection.fetchval(
                """
                INSERT INTO webhooks.endpoints (url, description, events, state, secret)
                VALUES ($1, '', '{*}', 'disabled', $2)
                RETURNING id
                """,
                f"{url}/{number}",
                seal.close(new_secret()),
            )
            for number in range(ENDPOINTS)
        ]
        payload = '{"specversion":"1.0","type":"model.user.updated","data":"%s"}' % ("x" * 700)
        await connection.executemany(
            """
            INSERT INTO webhooks.deliveries (endpoint_id, event_id, name, payload)
            SELECT id, $2, 'model.user.updated', $3 FROM unnest($1::bigint[]) AS id
            """,
            [(endpoint_ids, uuid4(), payload) for _ in range(EACH)],
        )


async def _activate(bench: Bench) -> None:
    async with bench.database.connected() as connection:
        await connection.execute("UPDATE webhooks.endpoints SET state = 'active'")
        await connection.execute("SELECT pg_notify('deliveries_webhooks', '')")
