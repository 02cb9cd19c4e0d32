"""Rates that gateways share through a real Redis, and what they do without it."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from tests.support.redis_server import PASSWORD, RedisServer
from tests.support.transport import OK, Gateway, Raw, Upstream, gateway
from tests.support.waiting import until

GATEWAYS = 3
TRIES = 5
BURST, RATE = 9, 30
FAST = f"access: public, rate: {RATE}/s, burst: {BURST}"
# Buckets that do not fill up while a test runs.
SLOW = f"access: public, rate: 10/h, burst: {BURST}"
THROTTLED = {"BARONG_THROTTLING": "true", "BARONG_TRUSTED_PROXIES": "127.0.0.0/8"}


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisServer]:
    """A Redis, which runs when a test begins."""
    with RedisServer.in_folder(tmp_path_factory.mktemp("redis")) as made:
        await made.start()
        yield made


@pytest.fixture(scope="module")
async def routes() -> AsyncIterator[str]:
    async def serve(raw: Raw) -> None:
        while True:
            await raw.head()
            await raw.send(OK)

    async with Upstream.listening(serve) as upstream:
        yield "\n".join(
            f'- {{prefix: /{name}, upstream: "{upstream.url}", {options}}}'
            for name, options in (("fast", FAST), ("slow", SLOW))
        )


@pytest.fixture(scope="module")
async def gateways(
    server: RedisServer, routes: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Sequence[Gateway]]:
    """Gateways that share their rates."""
    settings = {**THROTTLED, "BARONG_RATE_LIMIT_URL": server.url}
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(
                gateway(tmp_path_factory.mktemp("gateway"), routes, settings=settings)
            )
            for _ in range(GATEWAYS)
        ]
        await until(lambda: sharing(made))
        yield made


async def sharing(gateways: Sequence[Gateway], *, shared: int = 1) -> bool:
    """Whether all gateways say that they share rates with all others, or else that they do not."""
    told = [
        (await each.metric("gateway_rates_shared"), await each.metric("gateway_rates_gateways"))
        for each in gateways
    ]
    return told == [(shared, len(gateways))] * len(gateways)


async def passed(gateway: Gateway, client: str, calls: int, path: str = "/slow") -> int:
    """How many of these calls of a client pass; all others get 429."""
    async with aiohttp.ClientSession(gateway.public) as http:
        statuses = []
        for _ in range(calls):
            async with http.get(path, headers={"X-Forwarded-For": client}) as got:
                statuses.append(got.status)
    assert set(statuses) <= {200, 429}
    return statuses.count(200)


async def test_a_client_gets_the_rate_once_at_all_gateways_together(
    gateways: Sequence[Gateway],
) -> None:
    """At most 1.2 times: within a tenth of a second they do not know of each other.

    A busy machine may take longer for one exchange. Gateways that share nothing allow three times
    as much in every try.
    """
    limits: list[float] = []

    async def tried() -> float:
        """How much is allowed to another client, relative to its limit."""
        address = f"203.0.113.{100 + len(limits)}"

        async def hammer(gateway: Gateway) -> int:
            allowed = 0
            while time.monotonic() < end:
                allowed += await passed(gateway, address, 5, "/fast")
                await asyncio.sleep(0.01)
            return allowed

        began = time.monotonic()
        end = began + 3
        allowed = sum(await asyncio.gather(*map(hammer, gateways)))
        return allowed / (BURST + RATE * (time.monotonic() - began))

    while len(limits) < TRIES:
        limits.append(await tried())
        if 0.7 < limits[-1] < 1.2:
            return
    pytest.fail(f"relative to the limit, {limits} were allowed")


async def test_what_one_gateway_allowed_counts_at_the_next(gateways: Sequence[Gateway]) -> None:
    first, second, _ = gateways
    assert await passed(first, "203.0.113.2", 2 * BURST) == BURST
    await passed(second, "203.0.113.2", 1)  # after which the second one hears of it

    async def refuses() -> bool:
        return await passed(second, "203.0.113.2", 1) == 0

    await until(refuses)
    assert await passed(second, "203.0.113.3", 1) == 1  # another client


async def test_the_server_learns_no_address(
    gateways: Sequence[Gateway], server: RedisServer
) -> None:
    await passed(gateways[0], "203.0.113.4", 1)
    async with Redis.from_url(server.url) as redis:

        async def keys() -> list[bytes]:
            return [key async for key in redis.scan_iter() if b"gateways" not in key]

        found = await until(keys)
        assert all(len(key) == len(found[0]) for key in found)
        assert not [key for key in found if b"203" in key or b"slow" in key]
        assert all([await redis.pttl(key) > 0 for key in found])


async def test_without_the_server_each_gateway_allows_its_share(
    gateways: Sequence[Gateway], server: RedisServer
) -> None:
    server.kill()
    await until(lambda: sharing(gateways, shared=0))
    allowed = [await passed(each, "203.0.113.5", BURST) for each in gateways]
    assert allowed == [BURST // GATEWAYS] * GATEWAYS
    await server.start()
    await until(lambda: sharing(gateways))
    assert await passed(gateways[0], "203.0.113.6", 2 * BURST) == BURST


async def test_while_the_server_hangs_calls_do_not_wait(
    gateways: Sequence[Gateway], server: RedisServer
) -> None:

    async def answered_meanwhile() -> bool:
        """Whether calls are answered before the gateway has given up its exchange."""
        server.go_on()
        await until(lambda: sharing(gateways))
        server.hang()
        await passed(gateways[0], "203.0.113.7", 2 * BURST)
        return await gateways[0].metric("gateway_rates_shared") == 1

    try:
        assert await until(answered_meanwhile)
        await until(lambda: sharing(gateways, shared=0))
        assert await passed(gateways[1], "203.0.113.8", BURST) == BURST // GATEWAYS
    finally:
        server.go_on()
    await until(lambda: sharing(gateways))


async def test_with_a_wrong_password_a_gateway_counts_alone(
    server: RedisServer, routes: str, tmp_path: Path
) -> None:
    settings = {
        **THROTTLED,
        "BARONG_RATE_LIMIT_URL": server.url.replace(PASSWORD, "wrong-password"),
    }
    with capture_logs() as logs:
        async with gateway(tmp_path, routes, settings=settings) as made:

            async def tried() -> list[str]:
                return [str(line) for line in logs if line.get("part") == "rates"]

            [told, *_] = await until(tried)
            assert "AuthenticationError" in told
            assert "wrong-password" not in str(logs)
            assert await made.metric("gateway_rates_shared") == 0
            assert await passed(made, "203.0.113.9", 2 * BURST) == BURST
