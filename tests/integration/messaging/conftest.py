"""A schema with an outbox and an inbox, and a broker's virtual host, for each test."""

from collections.abc import AsyncIterator, Callable

import pytest

from shared.database.pool import Database
from tests.support.database import TestDatabase
from tests.support.gate import Gate


@pytest.fixture
async def schema(database: TestDatabase) -> AsyncIterator[Database]:
    """The schema of one service, as its own role."""
    made = Database(database.dsns["resource"], "resource")
    async with made.opened():
        yield made


@pytest.fixture
def broker(new_amqp_url: Callable[[], str]) -> str:
    """The URL of an empty virtual host."""
    return new_amqp_url()


@pytest.fixture
async def broker_gate(broker: str) -> AsyncIterator[Gate]:
    """A way to the broker that the test may cut."""
    async with Gate.before(broker) as gate:
        await gate.open()
        yield gate


@pytest.fixture
async def schema_gate(schema: Database) -> AsyncIterator[Gate]:
    """A way to PostgreSQL that the test may cut."""
    async with Gate.before(schema.dsn) as gate:
        await gate.open()
        yield gate
