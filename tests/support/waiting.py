"""Waiting for what happens on an event, soon but not at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

HEARD_SECONDS = 4.0
"""Time in which an event is felt everywhere; without events, gateways ask again after five."""


async def until(ask: Callable[[], Awaitable[T]], seconds: float = 30, *, every: float = 0.02) -> T:
    """The first true answer; raises TimeoutError with the last one when there is none in time."""
    answer: object = None
    try:
        async with asyncio.timeout(seconds):
            while True:
                answer = got = await ask()
                if got:
                    return got
                await asyncio.sleep(every)
    except TimeoutError:
        raise TimeoutError(f"after {seconds} s it is still {answer!r}") from None
