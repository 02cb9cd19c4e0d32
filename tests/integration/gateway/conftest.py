"""Fixtures: clients that sign calls with API keys, and an upstream that a test controls."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.api_keys import Key, Owner, an_owner
from tests.support.client import Client
from tests.support.system import Installation
from tests.support.transport import Upstream


@pytest.fixture(scope="module")
async def program(system: Installation) -> AsyncIterator[Client]:
    """A client whose only credentials are signatures."""
    async with Client(system) as made:
        yield made


@pytest.fixture
async def owner(client: Client) -> Owner:
    return await an_owner(client)


@pytest.fixture
async def key(owner: Owner) -> Key:
    return await owner.new_key()


@pytest.fixture(scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream.listening() as made:
        yield made


@pytest.fixture
def forgotten(upstream: Upstream) -> Iterator[None]:
    """Closes the upstream's connections after the test, so that no other test uses them."""
    yield
    upstream.forget()
