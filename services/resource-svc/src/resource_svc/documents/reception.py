"""Receives the files of one call: how long, how fast and how many, and what becomes of each."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self
from weakref import WeakValueDictionary

from resource_svc.documents import store
from resource_svc.documents.models import ReceivedFile, RefusedFile, SkippedFile, StoredFile
from resource_svc.documents.storage import MEGABYTE, ObjectStorage, unavailable
from resource_svc.file_types import FILE_TYPES, HEAD_BYTES, FileType, extension_of
from shared.database.pool import Database
from shared.errors import Malformed, Throttled
from shared.web.bodies import base_name

LONGEST_UPLOAD = timedelta(minutes=10)

_SLOWEST = 8 * 1024  # bytes a second
_LONGEST_PAUSE = 30.0  # seconds

_CALLS_PER_USER = 2
_WAIT_SECONDS = 5.0

_PARAMETER = "upload"
_UNUSUAL = re.compile(r"[^A-Za-z0-9._+-]+")
_NAME_LENGTH = 100
_EXTENSION_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be uploaded."""

    extensions: tuple[str, ...]
    megabytes: int
    """Of one file."""
    body_bytes: int
    """Of all files of a call, with everything else that is sent."""
    documents: int
    """Of one user."""
    storing_seconds: float
    """How long the storage may take for all files of a call."""

    @property
    def file_bytes(self) -> int:
        return self.megabytes * MEGABYTE


class PerUserLimit:
    """Lets two calls of each user send files at the same time; more calls wait a little."""

    def __init__(self) -> None:
        self._calls: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def call(self, uid: str) -> AsyncIterator[None]:
        """One call of this user; raises `Throttled`."""
        calls = self._calls.setdefault(uid, asyncio.Semaphore(_CALLS_PER_USER))
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await calls.acquire()
        except TimeoutError:
            raise Throttled(retry_after=1) from None
        try:
            yield
        finally:
            calls.release()


class Deadline:
    """The time limits of a call for its sender and for the storage; one of them runs at a time."""

    def __init__(self, sender: float, storage: float) -> None:
        """Both in seconds."""
        self._left = sender
        self._left_of_other = storage
        self._storing = False
        self._timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Starts with the sender's time.

        Raises `Malformed` when the time of the sender is over, `Unavailable` when that of the
        storage is.
        """
        timeout = asyncio.timeout(self._left)
        try:
            async with timeout:
                self._timeout = timeout
                yield
        except TimeoutError:
            if not timeout.expired():
                raise
            if self._storing:
                raise unavailable("put", "took too long") from None
            raise Malformed from None

    @contextmanager
    def storing(self) -> Iterator[None]:
        """The block takes the storage's time, except where it reads what the sender sends."""
        self._switch(storing=True)
        try:
            yield
        finally:
            self._switch(storing=False)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The block takes the sender's time."""
        storing = self._storing
        self._switch(storing=False)
        try:
            yield
        finally:
            self._switch(storing=storing)

    def _switch(self, *, storing: bool) -> None:
        """Does nothing once a limit is exceeded: then it is known whose."""
        timeout = self._timeout
        if timeout is None or timeout.expired() or storing == self._storing:
            return
        now = asyncio.get_running_loop().time()
        left = (timeout.when() or now) - now
        timeout.reschedule(now + self._left_of_other)
        self._left_of_other, self._storing = left, storing


class FileTooLarge(Exception):
    """The file is larger than it may be."""


class IncomingFile:
    """A file as its sender sends it; it ends when it is too large, or comes too slowly.

    The sender may pause for `pause` seconds. Bytes that follow earn time to pause again.
    """

    def __init__(
        self,
        content: AsyncIterator[bytes],
        limit: int,
        deadline: Deadline,
        pause: float = _LONGEST_PAUSE,
    ) -> None:
        """At most `limit` bytes."""
        self._content = content
        self._left = limit
        self._deadline = deadline
        self._head = b""
        self._longest_pause = self._pause = pause

    async def head(self) -> bytes:
        """The first bytes, `HEAD_BYTES` at least if there are as many; iteration repeats them."""
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
        with self._deadline.reading():
            try:
                async with asyncio.timeout(self._pause):
                    chunk = await anext(self._content)
            except TimeoutError:
                raise Malformed from None
        earned = len(chunk) / _SLOWEST - (loop.time() - started)
        self._pause = min(self._longest_pause, self._pause + earned)
        return chunk


class Reception:
    """The files of one call; a `FileReceiver`.

    Each file is received as a whole, and then stored. It is recorded as pending before its first
    byte is stored.
    """

    def __init__(
        self,
        database: Database,
        storage: ObjectStorage,
        limits: Limits,
        deadline: Deadline,
        left: int,
    ) -> None:
        """`left` is how many documents more the user may have."""
        self._database = database
        self._storage = storage
        self._limits = limits
        self._deadline = deadline
        self._left = left
        self.max_body_bytes = limits.body_bytes
        self.stored: list[str] = []
        """Keys of objects that are complete."""

    async def receive(
        self, parameter: str, filename: str, content: AsyncIterator[bytes]
    ) -> ReceivedFile:
        """The result for the file; raises `Unavailable`, or what reading it raises."""
        if base_name(parameter) != _PARAMETER or self._left <= 0:
            return SkippedFile()
        received = await self._receive(sanitized(filename), content)
        # After a refused file, no other is wanted.
        self._left = 0 if isinstance(received, RefusedFile) else self._left - 1
        return received

    async def _receive(self, filename: str, content: AsyncIterator[bytes]) -> ReceivedFile:
        extension = extension_of(filename)
        if extension not in self._limits.extensions:
            return RefusedFile(_not_allowed(extension, self._limits.extensions))
        kind = FILE_TYPES[extension]
        file = IncomingFile(content, self._limits.file_bytes, self._deadline)
        head = await file.head()
        if not head:
            return RefusedFile("upload.File size should be greater than 1 Byte")
        if not kind.begins(head):
            return RefusedFile("upload.content_mismatch")
        try:
            return StoredFile(await self._store(filename, kind, file))
        except FileTooLarge:
            return RefusedFile(f"upload.File size should be less than {self._limits.megabytes} MB")

    async def _store(self, filename: str, kind: FileType, file: IncomingFile) -> str:
        key = f"document/upload/{secrets.token_hex(16)}/{filename}"
        async with self._storage.spool.holding(file) as whole:
            with self._deadline.storing():
                async with self._storage.turn():
                    async with self._database.connection() as connection:
                        await store.insert_pending(connection, key)
                    # When this fails, the storage may still write: the sweep deletes the object.
                    await self._storage.put(key, whole, filename, kind)
        self.stored.append(key)
        return key


def sanitized(filename: str) -> str:
    """A file's name without anything that a path or a header could read in another way."""
    plain = _UNUSUAL.sub("_", filename.replace("\\", "/").rpartition("/")[2])
    extension = extension_of(plain)[:_EXTENSION_LENGTH]
    name = plain.rpartition(".")[0] if extension else plain
    name = name[: _NAME_LENGTH - len(extension)]
    return f"{name}.{extension}" if extension else name


def _not_allowed(extension: str, allowed: tuple[str, ...]) -> str:
    return (
        f'upload.You are not allowed to upload "{extension}" files, '
        f"allowed types: {', '.join(allowed)}"
    )
