"""Who talks to the system and who listens to it."""

from collections.abc import AsyncIterator

import pytest

from tests.support.client import Client
from tests.support.events import Ear, listening
from tests.support.system import Installation


@pytest.fixture(scope="module")
async def admin(system: Installation) -> AsyncIterator[Client]:
    """The superadmin, logged in."""
    async with Client(system) as made:
        assert (await made.log_in_as_superadmin()).status == 201
        yield made


@pytest.fixture
async def ear(system: Installation) -> AsyncIterator[Ear]:
    """Hears every event from now on, on both kinds of exchange."""
    async with listening(system) as made:
        yield made
