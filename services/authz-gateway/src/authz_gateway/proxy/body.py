"""The body of a request on its way upstream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import StreamReader, web

from shared.errors import Malformed, Refusal, TooLarge

STALLED_SECONDS = 60.0
"""Longest time without a byte from the client."""


class RequestBody:
    """Passes the client's bytes on as they arrive, as many as are allowed.

    `refusal` tells, once the sending failed, whether and how the client was at fault.
    """

    def __init__(self, content: StreamReader, limit: int) -> None:
        self._content = content
        self._limit = limit
        self._sender: asyncio.Task[object] | None = None
        self.refusal: Refusal | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self._sender = asyncio.current_task()
        left = self._limit
        while chunk := await self._read():
            left -= len(chunk)
            if left < 0:
                self.refusal = TooLarge()
                raise self.refusal
            yield chunk

    async def _read(self) -> bytes:
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                return await self._content.readany()
        except (OSError, web.RequestPayloadError):
            self.refusal = Malformed()
            raise self.refusal from None

    async def abandon(self) -> None:
        """Stops the sending where the upstream did not wait for its end."""
        if self._sender is not None and not self._sender.done():
            self._sender.cancel()
            with suppress(asyncio.CancelledError):
                await self._sender
