"""Work that is restarted for as long as the process runs, whatever becomes of its dependencies."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from shared.reasons import reason_of

log = structlog.get_logger()

_STEADY_SECONDS = 10.0


@asynccontextmanager
async def supervised(
    name: str,
    attempt: Callable[[], Awaitable[None]],
    *,
    first_delay: float = 0.1,
    longest_delay: float = 1.0,
    cancel_again: float = 1.0,
) -> AsyncIterator[None]:
    """Repeats `attempt` for the time of the block.

    While it fails quickly, the delay before the next attempt doubles from `first_delay` to
    `longest_delay`. At the end it is cancelled, again and again after `cancel_again` if it goes on.
    All are seconds.
    """
    task = asyncio.create_task(_forever(name, attempt, first_delay, longest_delay))
    try:
        yield
    finally:
        while not task.done():  # asyncio.wait_for may swallow a cancellation (fixed in 3.12)
            task.cancel()
            await asyncio.wait([task], timeout=cancel_again)


async def _forever(
    name: str, attempt: Callable[[], Awaitable[None]], first_delay: float, longest_delay: float
) -> None:
    delay = first_delay
    while True:
        started = time.monotonic()
        try:
            await attempt()
        except Exception as error:  # noqa: BLE001 - a lost connection has many names
            log.warning("interrupted", part=name, error=reason_of(error), retry_seconds=delay)
        if time.monotonic() - started > _STEADY_SECONDS:
            delay = first_delay
        await asyncio.sleep(delay)
        delay = min(delay * 2, longest_delay)
