"""What it costs that a nonce works once at all gateways together."""

import asyncio
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

from shared.clients.resource import ResourceClient
from shared.contracts.api_keys import MAX_NONCES, Nonce
from shared.contracts.services import GATEWAY
from shared.errors import NotFound
from tests.bench.installed import Bench, installed
from tests.bench.row import Row
from tests.support.internal import resource_of

TIMES = 300
BATCHES = 60
LIFETIME = 5000
LIMIT_PER_SECOND = 10_000


def rows() -> Iterator[Row]:
    """One alone, beside the look-up of a key; and as many as come, as gateways ask."""
    with installed() as bench, bench.running("identity", "resource"):
        yield from asyncio.run(_measured(bench))


async def _measured(bench: Bench) -> list[Row]:
    async with resource_of(bench.system, GATEWAY) as resource:
        now = time.time_ns() // 1_000_000
        numbers = iter(range(TIMES))

        async def use_one() -> None:
            assert await resource.use_nonces([Nonce("one", now + next(numbers))], LIFETIME) == [
                True
            ]

        key = await _median(lambda: _look_up_a_key(resource))
        one = await _median(use_one)
        begun = time.perf_counter()
        for batch in range(BATCHES):
            nonces = [Nonce(f"kid-{batch}", now + number) for number in range(MAX_NONCES)]
            assert all(await resource.use_nonces(nonces, LIFETIME))
        rate = BATCHES * MAX_NONCES / (time.perf_counter() - begun)
        begun = time.perf_counter()
        for _ in range(BATCHES):
            nonces = [
                Nonce(f"kid-{number % 50}", now, secrets.token_urlsafe())
                for number in range(MAX_NONCES)
            ]
            assert all(await resource.use_nonces(nonces, LIFETIME))
        text_rate = BATCHES * MAX_NONCES / (time.perf_counter() - begun)
    return [
        Row("look-up of a key at resource-svc, median", key, "ms"),
        Row("one nonce used up, median; limit: two look-ups", one, "ms", 2 * key),
        Row(f"nonces, {MAX_NONCES} in a question", rate, "/s", LIMIT_PER_SECOND, "at least"),
        Row("the same, of message signatures", text_rate, "/s", LIMIT_PER_SECOND, "at least"),
    ]


async def _look_up_a_key(resource: ResourceClient) -> None:
    with suppress(NotFound):
        await resource.api_key("0" * 16)


async def _median(work: Callable[[], Awaitable[None]]) -> float:
    """Milliseconds."""
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)
