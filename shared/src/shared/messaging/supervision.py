"""Work that is restarted for as long as the process runs, whatever becomes of its dependencies."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from shared.reasons import reason_of

log = structlog.get_logger()

_FIRST_DELAY, _LONGEST_DELAY = 0.1, 1.0
_STEADY_SECONDS = 10.0
_CANCEL_AGAIN_SECONDS = 1.0


@asynccontextmanager
async def supervised(name: str, attempt: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Repeats `attempt` for the time of the block."""
    task = asyncio.create_task(_forever(name, attempt))
    try:
        yield
    finally:
        while not task.done():  # asyncio.wait_for may swallow a cancellation (fixed in 3.12)
            task.cancel()
            await asyncio.wait([task], timeout=_CANCEL_AGAIN_SECONDS)


async def _forever(name: str, attempt: Callable[[], Awaitable[None]]) -> None:
    """Repeats `attempt`, with growing delays while it fails quickly."""
    delay = _FIRST_DELAY
    while True:
        started = time.monotonic()
        try:
            await attempt()
        except Exception as error:  # noqa: BLE001 - a lost connection has many names
            log.warning("interrupted", part=name, error=reason_of(error), retry_seconds=delay)
        if time.monotonic() - started > _STEADY_SECONDS:
            delay = _FIRST_DELAY
        await asyncio.sleep(delay)
        delay = min(delay * 2, _LONGEST_DELAY)
