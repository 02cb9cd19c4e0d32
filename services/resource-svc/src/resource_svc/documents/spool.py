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

from shared.errors import Unavailable

log = structlog.get_logger()

T = TypeVar("T")

_BLOCK_BYTES = 256 * 1024


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

    async def write(self, content: AsyncIterator[bytes]) -> None:
        """Adds to it all there is, in blocks; raises `Unavailable`, or what reading it raises."""
        block = bytearray()
        async for chunk in content:
            block += chunk
            if len(block) >= _BLOCK_BYTES:
                await self._spool.run(partial(self._append, block))
                block = bytearray()
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

    def __init__(self, folder: str) -> None:
        self._folder = folder or None
        self._thread = ThreadPoolExecutor(1, "spool")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=False)

    @asynccontextmanager
    async def holding(self, content: AsyncIterator[bytes]) -> AsyncIterator[SpooledFile]:
        """What `content` gives, as a file for the time of the block.

        Raises `Unavailable` when the disk is full or away, or what reading `content` raises.
        """
        file = await self.run(self._new)
        try:
            spooled = SpooledFile(self, file)
            await spooled.write(content)
            yield spooled
        finally:
            await self.run(file.close)

    def _new(self) -> FileIO:
        return tempfile.TemporaryFile(buffering=0, dir=self._folder)

    async def run(self, step: Callable[[], T]) -> T:
        """What `step` returns, in the thread; raises `Unavailable` in place of its OSError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, step)
        except OSError as error:
            log.warning("upload_spool_failed", reason=error.strerror)
            raise Unavailable("upload spool") from error
