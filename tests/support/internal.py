"""identity-svc and resource-svc as other services reach them, and the databases of services."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import asyncpg

from shared.clients.admin import AdminClient
from shared.clients.identity import IdentityClient
from shared.clients.resource import ResourceClient
from shared.contracts.activities import Client
from shared.contracts.administration import Administrator
from shared.contracts.services import ADMIN, GATEWAY, RESOURCE
from shared.crypto.key_ring import KeyRing
from shared.tokens.service import ServiceTokens
from tests.support.system import KEY, SUPERADMIN, Installation

AT_HOME = Client(ip_address("198.18.0.77"), "Mozilla/5.0")
"""The service that calls identity-svc, in tests that do it in its place."""


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


async def put_private_label(system: Installation, uid: str, key: str, value: str) -> None:
    """Gives a user a private label, or another value to one, as the superadmin does."""
    by = await superadmin_of(system)
    async with resource_of(system) as resource:
        await resource.change_label(by, uid, "private", key, value, None, or_add=True)


@asynccontextmanager
async def admin_of(system: Installation, caller: str = GATEWAY) -> AsyncIterator[AdminClient]:
    """admin-svc's internal API, called by the service `caller`."""
    admin = AdminClient(system.internal_url("admin"), ServiceTokens(caller, KeyRing.parse(KEY)))
    async with admin.opened():
        yield admin


async def superadmin_of(system: Installation) -> Administrator:
    """The seeded superadmin, as admin-svc names them to identity-svc."""
    async with tables_of_identity(system) as tables:
        uid = await tables.fetchval("SELECT uid FROM users WHERE email = $1", SUPERADMIN)
    return Administrator(uid, "superadmin")


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
async def tables_of_admin(
    system: Installation,
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection to admin-svc's schema."""
    async with _tables(system, "admin") as connection:
        yield connection


@asynccontextmanager
async def tables_of_webhooks(
    system: Installation,
) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection to webhooks-svc's schema."""
    async with _tables(system, "webhooks") as connection:
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
