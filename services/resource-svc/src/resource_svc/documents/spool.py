"""Files that lie on disk for a moment, without a name: they vanish when they are closed.

A quota limits what they take of the disk.
"""

import asyncio
import hashlib
import os
import tempfile
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from io import FileIO
from typing import Self, TypeVar

import structlog

from shared.errors import Unavailable

log = structlog.get_logger()

T = TypeVar("T")

_BLOCK_BYTES = 128 * 1024
_MOST_FILES = 500
"""That are received at the same time, each with a block in memory."""
_WAIT_SECONDS = 2.0
"""How long a file waits for space on the disk."""


class Reservation:
    """What one file takes of the quota; `deadline` ends its reception when it is evicted."""

    def __init__(self, deadline: asyncio.Timeout) -> None:
        self.size = 0
        self.deadline = deadline
        self.evicted = False


class Quota:
    """Limits bytes and files for all uploads together. When it is full, the oldest is evicted.

    Many slow senders cannot keep a fast one out: they only evict each other.
    """

    def __init__(self, size: int, files: int, wait_seconds: float = _WAIT_SECONDS) -> None:
        """At most `size` bytes, and `files` that are received at the same time."""
        self._size = size
        self._files = files
        self._wait_seconds = wait_seconds
        self._reserved = 0
        self._evicted = 0  # bytes of files that were evicted and are not closed yet
        self._receiving: dict[Reservation, None] = {}  # the oldest first
        self._released = asyncio.Event()

    @contextmanager
    def receiving(self, reservation: Reservation) -> Iterator[None]:
        """A file is received for the time of the block."""
        while len(self._receiving) >= self._files:
            self._evict(next(iter(self._receiving)))
        self._receiving[reservation] = None
        try:
            yield
        finally:
            self._receiving.pop(reservation, None)

    async def reserve(self, reservation: Reservation, size: int) -> None:
        """Reserves more bytes for a file; raises `Unavailable` where none can be evicted."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                while self._reserved + size > self._size:
                    self._make_room(reservation, size)
                    self._released.clear()
                    await self._released.wait()
        except TimeoutError:
            raise Unavailable("upload spool") from None
        reservation.size += size
        self._reserved += size

    def release(self, reservation: Reservation) -> None:
        """The file is closed."""
        self._reserved -= reservation.size
        if reservation.evicted:
            self._evicted -= reservation.size
        self._released.set()

    def _make_room(self, asking: Reservation, size: int) -> None:
        for reservation in tuple(self._receiving):
            if self._reserved - self._evicted + size <= self._size:
                return
            if reservation is not asking:
                self._evict(reservation)

    def _evict(self, reservation: Reservation) -> None:
        del self._receiving[reservation]
        reservation.evicted = True
        self._evicted += reservation.size
        reservation.deadline.reschedule(asyncio.get_running_loop().time())


class SpooledFile:
    """A file on disk, which can be read any number of times while it is held."""

    def __init__(self, spool: "Spool", file: FileIO) -> None:
        self._spool = spool
        self._file = file
        self._digest = hashlib.md5(usedforsecurity=False)
        self.size = 0

    @property
    def content_md5(self) -> str:
        """The header Content-MD5 (RFC 1864), by which receivers know that the file is whole."""
        return b64encode(self._digest.digest()).decode()

    async def blocks(self) -> AsyncIterator[bytes]:
        """The content from the beginning; raises `Unavailable`."""
        for offset in range(0, self.size, _BLOCK_BYTES):
            yield await self._spool.run(
                partial(os.pread, self._file.fileno(), _BLOCK_BYTES, offset)
            )

    async def append(self, block: bytearray) -> None:
        """Appends a block; raises `Unavailable`."""
        await self._spool.run(partial(self._append, block))

    def _append(self, block: bytearray) -> None:
        self._digest.update(block)
        self.size += len(block)
        left = memoryview(block)
        while left:  # a disk that is nearly full writes a part, and fails only then
            left = left[self._file.write(left) :]


class Spool:
    """A folder for files that are being received; by default that of the system.

    One thread does all work on the disk. So a slow disk delays neither the event loop nor the
    threads of others, and no file is closed while a cancelled step still uses it.
    """

    def __init__(self, folder: str, size: int) -> None:
        """At most `size` bytes for all files together."""
        self._folder = folder or None
        self._quota = Quota(size, _MOST_FILES)
        self._thread = ThreadPoolExecutor(1, "spool")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=False)

    @asynccontextmanager
    async def holding(self, content: AsyncIterator[bytes]) -> AsyncIterator[SpooledFile]:
        """Writes `content` to a file for the time of the block, which begins when it is whole.

        Raises `Unavailable` when the disk is full or away, or when the file was evicted for
        others, or what reading `content` raises.
        """
        file = await self.run(self._new)
        reservation = Reservation(asyncio.timeout(None))
        try:
            spooled = SpooledFile(self, file)
            await self._receive(content, spooled, reservation)
            yield spooled
        finally:
            self._quota.release(reservation)
            await self.run(file.close)

    async def _receive(
        self, content: AsyncIterator[bytes], spooled: SpooledFile, reservation: Reservation
    ) -> None:
        try:
            async with reservation.deadline:
                with self._quota.receiving(reservation):
                    block = bytearray()
                    async for chunk in content:
                        block += chunk
                        if len(block) >= _BLOCK_BYTES:
                            await self._quota.reserve(reservation, len(block))
                            await spooled.append(block)
                            block = bytearray()
                    await self._quota.reserve(reservation, len(block))
                    await spooled.append(block)
        except TimeoutError:
            if not reservation.deadline.expired():
                raise
            log.warning("upload_gave_way", bytes=spooled.size)
            raise Unavailable("upload spool") from None

    def _new(self) -> FileIO:
        return tempfile.TemporaryFile(buffering=0, dir=self._folder)

    async def run(self, step: Callable[[], T]) -> T:
        """Runs `step` in the thread; raises `Unavailable` in place of its OSError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, step)
        except OSError as error:
            log.warning("upload_spool_failed", reason=error.strerror)
            raise Unavailable("upload spool") from error
