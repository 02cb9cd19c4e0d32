"""How many calls of one user a process takes files from at the same time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from shared.errors import Throttled

_CALLS = 2
_WAIT_SECONDS = 5.0


class Lanes:
    """Two calls of each user are let through; more of his wait a little."""

    def __init__(self) -> None:
        self._lanes: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, uid: str) -> AsyncIterator[None]:
        """Raises `Throttled`."""
        lane = self._lanes.setdefault(uid, asyncio.Semaphore(_CALLS))
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await lane.acquire()
        except TimeoutError:
            raise Throttled(retry_after=1) from None
        try:
            yield
        finally:
            lane.release()
