"""A gateway that listens on IPv6 and IPv4."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.contracts.policy import Policy, Restriction
from tests.support.transport import OK, Upstream, gateway

KEPT_OUT = Restriction("blacklist", "ip", "127.0.0.1", 401)


@pytest.mark.parametrize("fast_loop", [True, False])
async def test_both_families_reach_it_with_their_own_addresses(
    tmp_path: Path, upstream: Upstream, forgotten: None, fast_loop: bool
) -> None:
    """An IPv4 address is not seen as IPv6, for restrictions either."""
    routes = f'- {{prefix: /x, access: public, upstream: "{upstream.url}"}}'
    async with (
        gateway(
            tmp_path,
            routes,
            fast_loop=fast_loop,
            settings={"BARONG_HOST": "::"},
            policies=(Policy(1, (), (KEPT_OUT,)),),
        ) as front,
        aiohttp.ClientSession() as http,
    ):
        async with http.get(front.public.replace("[::]", "127.0.0.1") + "/x") as got:
            assert (got.status, await got.json()) == (401, {"errors": ["authz.restrict.blacklist"]})
        asked = http.get(front.public.replace("[::]", "[::1]") + "/x")
        async with asyncio.TaskGroup() as group:
            answer = group.create_task(_status(asked))
            server = await upstream.next()
            _, headers = await server.head()
            await server.send(OK)
        assert answer.result() == 200
        assert headers["x-forwarded-for"] == "::1"


async def _status(asked: Any) -> int:
    async with asked as got:
        return int(got.status)
