"""Files that lie on disk for a moment, without a name: they end with whoever holds them open."""

import asyncio
import hashlib
import os
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from io import FileIO
from typing import Self, TypeVar

import structlog

from resource_svc.documents.room import Place, Room
from shared.errors import Unavailable

log = structlog.get_logger()

T = TypeVar("T")

_BLOCK_BYTES = 128 * 1024
_MOST_FILES = 500
"""That are received at the same time, each with a block in memory."""


class SpooledFile:
    """A file that was written, to be read any number of times while it is held."""

    def __init__(self, spool: "Spool", file: FileIO) -> None:
        self._spool = spool
        self._file = file
        self._digest = hashlib.md5(usedforsecurity=False)
        self.size = 0

    @property
    def content_md5(self) -> str:
        """What an HTTP header of that name says of it, by which receivers know it is whole."""
        return b64encode(self._digest.digest()).decode()

    async def blocks(self) -> AsyncIterator[bytes]:
        """Its content from the beginning; raises `Unavailable`."""
        for offset in range(0, self.size, _BLOCK_BYTES):
            yield await self._spool.run(
                partial(os.pread, self._file.fileno(), _BLOCK_BYTES, offset)
            )

    async def append(self, block: bytearray) -> None:
        """Adds a block to it; raises `Unavailable`."""
        await self._spool.run(partial(self._append, block))

    def _append(self, block: bytearray) -> None:
        self._digest.update(block)
        self.size += len(block)
        left = memoryview(block)
        while left:  # a disk that is nearly full takes a part, and only then says so
            left = left[self._file.write(left) :]


class Spool:
    """The folder of such files; without a name for it, the system's for temporary files.

    One thread does all work on the disk, so that a slow one keeps neither the event loop nor
    others' threads waiting, and no file is closed under a step that nobody waits for any more.
    """

    def __init__(self, folder: str, size: int) -> None:
        """At most `size` bytes for all files together."""
        self._folder = folder or None
        self._room = Room(size, _MOST_FILES)
        self._thread = ThreadPoolExecutor(1, "spool")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=False)

    @asynccontextmanager
    async def holding(self, content: AsyncIterator[bytes]) -> AsyncIterator[SpooledFile]:
        """What `content` gives, as a file for the time of the block, which begins when it is whole.

        Raises `Unavailable` when the disk is full or away, or when the file had to give way to
        others, or what reading `content` raises.
        """
        file = await self.run(self._new)
        place = Place(asyncio.timeout(None))
        try:
            spooled = SpooledFile(self, file)
            await self._receive(content, spooled, place)
            yield spooled
        finally:
            self._room.give_back(place)
            await self.run(file.close)

    async def _receive(
        self, content: AsyncIterator[bytes], spooled: SpooledFile, place: Place
    ) -> None:
        try:
            async with place.deadline:
                with self._room.receiving(place):
                    block = bytearray()
                    async for chunk in content:
                        block += chunk
                        if len(block) >= _BLOCK_BYTES:
                            await self._room.take(place, len(block))
                            await spooled.append(block)
                            block = bytearray()
                    await self._room.take(place, len(block))
                    await spooled.append(block)
        except TimeoutError:
            if not place.deadline.expired():
                raise
            log.warning("upload_gave_way", bytes=spooled.size)
            raise Unavailable("upload spool") from None

    def _new(self) -> FileIO:
        return tempfile.TemporaryFile(buffering=0, dir=self._folder)

    async def run(self, step: Callable[[], T]) -> T:
        """What `step` returns, in the thread; raises `Unavailable` in place of its OSError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, step)
        except OSError as error:
            log.warning("upload_spool_failed", reason=error.strerror)
            raise Unavailable("upload spool") from error
