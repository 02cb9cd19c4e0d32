"""A file as it comes from its sender."""

import asyncio
from collections.abc import AsyncIterator
from typing import Self

from resource_svc.documents.clock import Clock
from resource_svc.documents.file_types import HEAD_BYTES
from shared.errors import Malformed

_SLOWEST = 8 * 1024  # bytes a second
_LONGEST_PAUSE = 30.0  # seconds


class FileTooLarge(Exception):
    """There is more of the file than there may be."""


class IncomingFile:
    """A file whose beginning can be seen first, which is cut when too large or too slow.

    Its sender may pause for half a minute; what comes afterwards earns him time to pause again.
    """

    def __init__(self, content: AsyncIterator[bytes], limit: int, clock: Clock) -> None:
        """At most `limit` bytes."""
        self._content = content
        self._left = limit
        self._clock = clock
        self._head = b""
        self._pause = _LONGEST_PAUSE

    async def head(self) -> bytes:
        """At least the first bytes, all where there are few; they are read again later."""
        while len(self._head) < HEAD_BYTES:
            try:
                self._head += await self._read()
            except StopAsyncIteration:
                break
        return self._head

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Raises `FileTooLarge`, `Malformed` or what reading raises."""
        chunk, self._head = self._head or await self._read(), b""
        self._left -= len(chunk)
        if self._left < 0:
            raise FileTooLarge
        return chunk

    async def _read(self) -> bytes:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with self._clock.reading():
            try:
                async with asyncio.timeout(self._pause):
                    chunk = await anext(self._content)
            except TimeoutError:
                raise Malformed from None
        earned = len(chunk) / _SLOWEST - (loop.time() - started)
        self._pause = min(_LONGEST_PAUSE, self._pause + earned)
        return chunk
