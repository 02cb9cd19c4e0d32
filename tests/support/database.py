"""A database for each test, cloned from one in which everything is migrated and seeded."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from admin_svc.schema import MIGRATIONS as ADMIN_MIGRATIONS
from deploy.local import postgres
from identity_svc.schema import MIGRATIONS as IDENTITY_MIGRATIONS
from mailer_svc.schema import MIGRATIONS as MAILER_MIGRATIONS
from oauth_svc.schema import MIGRATIONS as OAUTH_MIGRATIONS
from resource_svc.schema import MIGRATIONS as RESOURCE_MIGRATIONS
from shared.database.migrate import migrate
from webhooks_svc.schema import MIGRATIONS as WEBHOOKS_MIGRATIONS

MIGRATIONS = {
    "identity": IDENTITY_MIGRATIONS,
    "resource": RESOURCE_MIGRATIONS,
    "admin": ADMIN_MIGRATIONS,
    "mailer": MAILER_MIGRATIONS,
    "webhooks": WEBHOOKS_MIGRATIONS,
    "oauth": OAUTH_MIGRATIONS,
}
TEMPLATE = "barong_template"

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class TestDatabase:
    """One database: as its superuser, and as each service's role."""

    __test__ = False

    dsn: str
    dsns: Mapping[str, str]

    def named(self, name: str) -> "TestDatabase":
        """Another database of the same server and roles."""
        return TestDatabase(
            _named(self.dsn, name),
            {service: _named(dsn, name) for service, dsn in self.dsns.items()},
        )

    @asynccontextmanager
    async def connected(self) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        """A superuser's connection, to look at what services keep."""
        connection = await asyncpg.connect(self.dsn)
        try:
            yield connection
        finally:
            await connection.close()

    async def clone(self) -> "TestDatabase":
        """A database like this one, to which nobody may be connected."""
        name = f"barong_{next(_numbers)}"
        administration = await asyncpg.connect(_named(self.dsn, "postgres"))
        try:
            source = urlsplit(self.dsn).path.strip("/")
            await administration.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        finally:
            await administration.close()
        return self.named(name)


async def template(server_dsn: str) -> TestDatabase:
    """The database from which the others are cloned."""
    administration = await asyncpg.connect(server_dsn)
    try:
        await administration.execute(f"CREATE DATABASE {TEMPLATE}")
    finally:
        await administration.close()
    dsn = _named(server_dsn, TEMPLATE)
    dsns = await postgres.provision(dsn, {name: f"{name}-secret" for name in MIGRATIONS})
    await asyncio.gather(
        *(migrate(dsns[name], name, directories) for name, directories in MIGRATIONS.items())
    )
    return TestDatabase(dsn, dsns)


def _named(dsn: str, name: str) -> str:
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}"))
