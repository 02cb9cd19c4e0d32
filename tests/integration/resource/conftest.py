"""Who calls resource-svc."""

from collections.abc import AsyncIterator

import pytest

from tests.support.client import Client
from tests.support.system import Installation


@pytest.fixture
async def member(client: Client) -> Client:
    """A member of the test's own."""
    assert (await client.become_member()).status == 201
    return client


@pytest.fixture(scope="module")
async def shared_member(system: Installation) -> AsyncIterator[Client]:
    """A member for all tests of one file, whom none of them changes."""
    async with Client(system) as made:
        assert (await made.become_member()).status == 201
        yield made
