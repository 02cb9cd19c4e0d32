"""A service of one's own in the shared system, with settings of one's own."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yarl import URL

from shared.process import running
from tests.support.client import Client
from tests.support.system import Installation, ready

_FREE = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}


@asynccontextmanager
async def installation_with(
    system: Installation, service: str, **settings: str
) -> AsyncIterator[Installation]:
    """The system as seen through a gateway that leads to a `service` with these settings."""
    async with running(system.service(service, **_FREE, **settings)) as own:
        urls = {f"BARONG_{service.upper()}_URL": own.public}
        async with running(system.service("gateway", **_FREE, **urls)) as gateway:
            public, internal = (URL(url).port or 0 for url in (gateway.public, gateway.internal))
            mine = dataclasses.replace(
                system,
                public={**system.public, "gateway": public},
                internal={**system.internal, "gateway": internal},
            )
            await ready(mine, "gateway")
            yield mine


@asynccontextmanager
async def client_of(system: Installation, service: str, **settings: str) -> AsyncIterator[Client]:
    """A client whose gateway leads to an instance of `service` with these settings."""
    async with installation_with(system, service, **settings) as own, Client(own) as client:
        yield client


@asynccontextmanager
async def member_of(system: Installation, **settings: str) -> AsyncIterator[Client]:
    """A new member, whose gateway leads to a resource-svc with these settings."""
    async with client_of(system, "resource", **settings) as client:
        await client.become_member()
        yield client
