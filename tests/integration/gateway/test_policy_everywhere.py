"""A change of the policy takes effect at every gateway."""

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from yarl import URL

from shared.process import running
from tests.support.client import Client
from tests.support.system import Installation, ready
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("machine")

_FREE = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
_BOUND = 1.0  # seconds, as promised
_TRIES = 5  # on a busy machine one may be late
_ADDRESS = "203.0.113.9"


@pytest.fixture
async def gateways(system: Installation) -> AsyncIterator[list[Client]]:
    """Members with sessions, at the system's gateway and at another one."""
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(running(system.service("gateway", **_FREE)))
        ports = [(URL(url).port or 0) for url in (other.public, other.internal)]
        beside = dataclasses.replace(
            system,
            public={**system.public, "gateway": ports[0]},
            internal={**system.internal, "gateway": ports[1]},
        )
        await ready(beside, "gateway")
        clients = [await stack.enter_async_context(Client(each)) for each in (system, beside)]
        for client in clients:
            await client.become_member()
        yield clients


async def drops(client: Client) -> bool:
    return bool((await client.get("resource/labels")).status == 401)


async def bans(client: Client) -> bool:
    answer = await client.get("identity/time", headers={"X-Forwarded-For": _ADDRESS, "Cookie": ""})
    return bool(answer.status == 401)


@pytest.mark.parametrize(
    ("path", "form", "acts"),
    [
        (
            "admin/permissions",
            {"role": "member", "verb": "get", "path": "resource/labels", "action": "drop"},
            drops,
        ),
        ("admin/restrictions", {"scope": "ip", "value": _ADDRESS, "category": "blacklist"}, bans),
    ],
)
async def test_a_change_takes_effect_at_both_gateways_within_a_second(
    admin: Client,
    gateways: list[Client],
    path: str,
    form: dict[str, str],
    acts: Callable[[Client], Awaitable[bool]],
) -> None:
    async def on_all() -> bool:
        return all(await asyncio.gather(*map(acts, gateways)))

    async def on_none() -> bool:
        return not any(await asyncio.gather(*map(acts, gateways)))

    felt: list[float] = []
    while len(felt) < _TRIES and min(felt, default=_BOUND) >= _BOUND:
        assert await until(on_none)
        begun = time.monotonic()
        made = await admin.post(path, form)
        assert made.status == 201
        assert await until(on_all)
        felt.append(time.monotonic() - begun)
        gone = await admin.call("DELETE", path, params={"id": made.body["id"]})
        assert gone.status == 204
    assert await until(on_none)
    assert min(felt) < _BOUND, felt
