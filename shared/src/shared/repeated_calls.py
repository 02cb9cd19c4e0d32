"""Makes HTTP calls again if the pod that should have received them has ended (docs/adr/0185)."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import aiohttp

T = TypeVar("T")

_TRIES = 10
"""A service has two pods at least, so 1 of 1024 calls fails if one is gone and Kubernetes still
sends connections there."""


async def until_received(send: Callable[[], Awaitable[T]], *, repeatable: bool) -> T:
    """What `send`, a call by aiohttp, returns; raises what it raises.

    While a pod ends, connections to it are refused: nothing was sent, so the call is made again and
    finds another pod. Kept connections close at the moment of a call, which may have arrived then:
    it is made again if it is `repeatable`.
    """
    tries = _TRIES
    while True:
        tries -= 1
        try:
            return await send()
        except aiohttp.ClientConnectorError as error:
            if not tries or not isinstance(error.os_error, ConnectionRefusedError):
                raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            if not tries or not repeatable:
                raise
