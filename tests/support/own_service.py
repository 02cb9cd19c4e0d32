"""A service of one's own in the shared system, with settings of one's own."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.local import ports
from shared.process import running
from tests.support.client import Client
from tests.support.replicas import gateway_of
from tests.support.system import Installation, ready

_FREE = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}


@asynccontextmanager
async def installation_with(
    system: Installation, service: str, **settings: str
) -> AsyncIterator[Installation]:
    """The system as seen through a gateway that leads to a `service` with these settings."""
    async with running(system.service(service, **_FREE, **settings)) as own:
        urls = {f"BARONG_{service.upper()}_URL": own.public}
        async with gateway_of(system, **urls) as mine:
            yield mine


@asynccontextmanager
async def pages_of(system: Installation, **settings: str) -> AsyncIterator[Installation]:
    """The system as seen through a gateway with pages and an identity-svc of its own.

    Its pages may use passkeys, as http://localhost:<port of the gateway>.
    """
    port, internal = ports.free_ports(2)
    given = {"BARONG_PASSKEY_ORIGINS": f"http://localhost:{port}", **settings}
    url = f"http://127.0.0.1:{port}"
    async with (
        running(system.service("identity", **_FREE, **given)) as identity,
        running(system.service("console", **_FREE, BARONG_GATEWAY_URL=url)) as console,
        running(
            system.service(
                "gateway",
                BARONG_PORT=str(port),
                BARONG_INTERNAL_PORT=str(internal),
                BARONG_IDENTITY_URL=identity.public,
                BARONG_CONSOLE_URL=console.public,
            )
        ),
    ):
        mine = dataclasses.replace(
            system,
            public={**system.public, "gateway": port},
            internal={**system.internal, "gateway": internal},
        )
        await ready(mine, "gateway")
        yield mine


@asynccontextmanager
async def provider_of(
    system: Installation, *, resource: str, **settings: str
) -> AsyncIterator[Installation]:
    """The system as seen through a gateway with an oauth-svc, whose issuer is that gateway.

    Clients that no administrator registered may ask for tokens for the path `resource` of it.
    """
    port, internal = ports.free_ports(2)
    url = f"http://127.0.0.1:{port}"
    given = {"BARONG_PUBLIC_URL": url, **settings}
    resources = {"BARONG_OAUTH_SELF_REGISTERED_RESOURCES": f"{url}{resource}"}
    async with (
        running(system.service("oauth", **_FREE, **given, **resources)) as oauth,
        running(
            system.service(
                "gateway",
                BARONG_PORT=str(port),
                BARONG_INTERNAL_PORT=str(internal),
                BARONG_OAUTH_URL=oauth.public,
                **given,
            )
        ),
    ):
        mine = dataclasses.replace(
            system,
            public={**system.public, "gateway": port},
            internal={**system.internal, "gateway": internal},
        )
        await ready(mine, "gateway")
        yield mine


@asynccontextmanager
async def provider_with_pages(system: Installation) -> AsyncIterator[str]:
    """The address of a gateway with an oauth-svc, whose issuer it is, and pages of its own.

    It is at localhost, so that the pages may use passkeys.
    """
    port, internal = ports.free_ports(2)
    url = f"http://localhost:{port}"
    async with (
        running(system.service("identity", **_FREE, BARONG_PASSKEY_ORIGINS=url)) as identity,
        running(system.service("console", **_FREE, BARONG_GATEWAY_URL=url)) as console,
        running(system.service("oauth", **_FREE, BARONG_PUBLIC_URL=url)) as oauth,
        running(
            system.service(
                "gateway",
                BARONG_PORT=str(port),
                BARONG_INTERNAL_PORT=str(internal),
                BARONG_PUBLIC_URL=url,
                BARONG_IDENTITY_URL=identity.public,
                BARONG_CONSOLE_URL=console.public,
                BARONG_OAUTH_URL=oauth.public,
            )
        ),
    ):
        await ready(
            dataclasses.replace(system, internal={**system.internal, "gateway": internal}),
            "gateway",
        )
        yield url


@asynccontextmanager
async def pages_with_storage(system: Installation, **settings: str) -> AsyncIterator[Installation]:
    """The system as seen through a gateway with pages, and a storage that `settings` name.

    Documents that are uploaded by it are there, and administrators get links to it.
    """
    (port,) = ports.free_ports(1)
    async with (
        running(system.service("resource", **_FREE, **settings)) as resource,
        running(
            system.service("admin", **_FREE, BARONG_RESOURCE_INTERNAL_URL=resource.internal)
        ) as admin,
        running(
            system.service("console", **_FREE, BARONG_GATEWAY_URL=f"http://127.0.0.1:{port}")
        ) as console,
        gateway_of(
            system,
            BARONG_PORT=str(port),
            BARONG_RESOURCE_URL=resource.public,
            BARONG_ADMIN_URL=admin.public,
            BARONG_CONSOLE_URL=console.public,
        ) as mine,
    ):
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
