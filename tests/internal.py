"""identity-svc and resource-svc as other services reach them, and what they keep."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.services import ADMIN, RESOURCE
from shared.crypto.key_ring import KeyRing
from shared.tokens.service import ServiceTokens
from tests.system import KEY, Installation


@asynccontextmanager
async def identity_of(
    system: Installation, caller: str = RESOURCE
) -> AsyncIterator[IdentityClient]:
    """The internal API, called by the service `caller`."""
    identity = IdentityClient(
        system.internal_url("identity"), ServiceTokens(caller, KeyRing.parse(KEY))
    )
    async with identity.opened():
        yield identity


@asynccontextmanager
async def resource_of(system: Installation, caller: str = ADMIN) -> AsyncIterator[ResourceClient]:
    """resource-svc's internal API, called by the service `caller`."""
    resource = ResourceClient(
        system.internal_url("resource"), ServiceTokens(caller, KeyRing.parse(KEY))
    )
    async with resource.opened():
        yield resource


@asynccontextmanager
async def tables_of_identity(
    system: Installation,
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection to identity-svc's schema."""
    async with _tables(system, "identity") as connection:
        yield connection


@asynccontextmanager
async def tables_of_resource(
    system: Installation,
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection to resource-svc's schema."""
    async with _tables(system, "resource") as connection:
        yield connection


@asynccontextmanager
async def _tables(
    system: Installation, name: str
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(
        system.environments[name]["DATABASE_URL"], server_settings={"search_path": name}
    )
    try:
        yield connection
    finally:
        await connection.close()
