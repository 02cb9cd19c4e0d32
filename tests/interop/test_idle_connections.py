"""Upstreams that close idle connections after a second: no call fails because of that."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop.exercise import answer
from tests.interop.known_faults import expect_known_faults
from tests.interop.servers import UpstreamServer, every_upstream
from tests.support.transport import Raw, gateway

pytestmark = pytest.mark.xdist_group("machine")

TOGETHER = 24
KEPT_SECONDS = 1
ROUTE = '- {{prefix: /{0.name}, access: public, upstream: "{0.url}", idle: 0.5}}'


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[list[UpstreamServer]]:
    """Every available upstream, with an idle timeout of one second."""
    async with every_upstream(tmp_path, KEPT_SECONDS) as made:
        yield [each for each in made.values() if isinstance(each, UpstreamServer)]


async def test_no_call_meets_a_connection_that_is_being_closed(
    hasty: list[UpstreamServer], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Non-idempotent calls around the moment at which the upstream closes."""
    expect_known_faults(request, "idle:a-second")
    routes = "\n".join(ROUTE.format(each) for each in hasty)
    async with gateway(tmp_path, routes) as front:

        async def post(upstream: str, seconds: float) -> int:
            await asyncio.sleep(seconds)
            async with Raw.to(front.public) as client:
                line = f"POST /{upstream}/page/1?later HTTP/1.1"
                await client.send(f"{line}\r\nHost: gateway\r\nContent-Length: 2\r\n\r\n{{}}")
                return (await answer(client)).status

        async def of(upstream: str) -> list[int]:
            first = await asyncio.gather(*(post(upstream, 0) for _ in range(TOGETHER)))
            around = (KEPT_SECONDS - 0.06 + 0.004 * number for number in range(TOGETHER))
            return first + await asyncio.gather(*(post(upstream, each) for each in around))

        told = await asyncio.gather(*(of(each.name) for each in hasty))
    assert dict(zip([each.name for each in hasty], told, strict=True)) == {
        each.name: [200] * 2 * TOGETHER for each in hasty
    }
