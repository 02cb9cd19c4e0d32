"""Makes what is done for some and not for others take the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

REQUEST_SECONDS = 0.2
"""How long a request for a mail takes: many times what a token takes to be made and written."""


@asynccontextmanager
async def lasting(seconds: float) -> AsyncIterator[None]:
    """The block takes this long, however soon it is done."""
    ends = asyncio.get_running_loop().time() + seconds
    yield
    await asyncio.sleep(ends - asyncio.get_running_loop().time())
