"""When WebSockets are re-authorized, and how many at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from prometheus_client import CollectorRegistry

from authz_gateway.upstream.tunnel import Tunnel
from authz_gateway.upstream.websocket import WebSockets
from tests.support.waiting import until

MANY = 500


class Connections:
    """Open tunnels, which may stay open while `allowed` is true."""

    def __init__(self) -> None:
        self.websockets = WebSockets(CollectorRegistry(), limit_per_client=MANY)
        self.allowed = True
        self.checks = 0
        self.open: set[object] = set()

    @classmethod
    async def many(cls) -> "Connections":
        """MANY tunnels; their first re-authorization is not counted."""
        made = cls()
        for _ in range(MANY):
            made.another()

        async def all_checked() -> bool:
            return made.checks == MANY

        await until(all_checked)
        made.checks = 0
        return made

    def another(self) -> None:
        connections = self

        class One:
            uid = client = "ID1"

            def close(self) -> None:
                connections.open.discard(self)
                connections.websockets.remove(cast(Tunnel, self))

        tunnel: Any = One()
        self.open.add(tunnel)
        self.websockets.add(tunnel, self._check)

    async def _check(self) -> bool:
        self.checks += 1
        return self.allowed

    async def half_checked(self) -> bool:
        return self.checks >= MANY / 2

    async def all_closed(self) -> bool:
        return not self.open


@asynccontextmanager
async def reauthorizing(connections: Connections) -> AsyncIterator[None]:
    task = asyncio.create_task(connections.websockets.run())
    try:
        yield
    finally:
        task.cancel()


async def test_a_new_websocket_is_reauthorized() -> None:
    connections = Connections()
    connections.allowed = False
    connections.websockets.reauthorize_user("ID1")
    connections.another()
    await until(connections.all_closed)
    assert connections.checks == 1


async def test_all_are_reauthorized_but_not_in_one_iteration() -> None:
    connections = await Connections.many()
    async with reauthorizing(connections):
        connections.websockets.reauthorize_all()
        most_per_iteration = 0
        while connections.checks < MANY:
            before = connections.checks
            await asyncio.sleep(0)
            most_per_iteration = max(most_per_iteration, connections.checks - before)
        assert 0 < most_per_iteration <= MANY / 10
        assert len(connections.open) == MANY


async def test_a_change_during_a_round_causes_another_round() -> None:
    connections = await Connections.many()
    async with reauthorizing(connections):
        connections.websockets.reauthorize_all()
        await until(connections.half_checked, every=0)
        connections.allowed = False
        connections.websockets.reauthorize_all()
        await until(connections.all_closed)
    assert connections.checks <= 2 * MANY


async def test_the_websockets_of_a_user_are_reauthorized() -> None:
    connections = await Connections.many()
    connections.allowed = False
    connections.websockets.reauthorize_user("ID2")
    await asyncio.sleep(0)
    connections.websockets.reauthorize_user("ID1")
    await until(connections.all_closed)
    assert connections.checks == MANY
