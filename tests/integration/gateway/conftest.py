"""Who signs his calls with API keys, and an upstream that says what a test wants it to say."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.api_keys import Key, Owner, an_owner
from tests.support.client import Client
from tests.support.system import Installation
from tests.support.transport import Upstream


@pytest.fixture(scope="module")
async def program(system: Installation) -> AsyncIterator[Client]:
    """Calls with nothing but its signatures."""
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
    """No test finds the connections of another."""
    yield
    upstream.forget()
