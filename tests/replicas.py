"""Several gateways of one system."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from yarl import URL

from shared.process import running
from tests.system import Installation, ready

_FREE = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}


@asynccontextmanager
async def gateways(system: Installation, count: int = 3) -> AsyncIterator[list[Installation]]:
    """The system as seen through each of `count` more gateways, which are ready."""
    async with AsyncExitStack() as stack:
        seen = []
        for _ in range(count):
            service = system.service("gateway", **_FREE)
            addresses = await stack.enter_async_context(running(service))
            public, internal = (
                URL(url).port or 0 for url in (addresses.public, addresses.internal)
            )
            replica = dataclasses.replace(
                system,
                public={**system.public, "gateway": public},
                internal={**system.internal, "gateway": internal},
            )
            await ready(replica, "gateway")
            seen.append(replica)
        yield seen
