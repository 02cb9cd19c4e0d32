"""Who looks at the pages."""

from collections.abc import AsyncIterator

import pytest

from tests.support.pages import Pages
from tests.support.system import Installation


@pytest.fixture
async def pages(system: Installation) -> AsyncIterator[Pages]:
    """A visitor without a session, and without JavaScript."""
    async with Pages(system) as made:
        yield made
