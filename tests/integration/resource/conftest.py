"""Who calls resource-svc."""

from collections.abc import AsyncIterator

import pytest

from tests.support.client import Client
from tests.support.internal import tables_of_resource
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


@pytest.fixture(scope="module")
async def no_old_uploads(system: Installation) -> None:
    """No upload of another file's tests is pending: a test may then count all that are."""
    async with tables_of_resource(system) as tables:
        await tables.execute("DELETE FROM pending_uploads")
