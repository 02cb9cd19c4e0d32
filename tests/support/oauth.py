"""oauth-svc's database, and further instances of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.process import running
from tests.support.system import Installation, ready


@asynccontextmanager
async def database(system: Installation) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(system.environments["oauth"]["DATABASE_URL"])
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def another_instance(system: Installation, **changes: str) -> AsyncIterator[Installation]:
    """A second oauth-svc of the same system; nothing leads to it but its own address."""
    beside = system.beside()
    places = {
        "BARONG_PORT": str(beside.public["oauth"]),
        "BARONG_INTERNAL_PORT": str(beside.internal["oauth"]),
    }
    async with running(system.service("oauth", **places, **changes)):
        await ready(beside, "oauth")
        yield beside
