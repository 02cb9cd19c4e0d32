"""Makes calls that do different work take the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

REQUEST_SECONDS = 0.2
"""How long a request for a mail takes: many times what it takes to make and write a token."""


@asynccontextmanager
async def lasting(seconds: float) -> AsyncIterator[None]:
    """Takes this long, even if the block is done earlier."""
    ends = asyncio.get_running_loop().time() + seconds
    yield
    await asyncio.sleep(ends - asyncio.get_running_loop().time())
