"""Stores files as they arrive, before it is known what will become of them."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from resource_svc.documents import store
from resource_svc.documents.discard_uploads import DiscardUploads
from resource_svc.documents.file_types import FILE_TYPES, HEAD_BYTES, FileType, extension_of
from resource_svc.documents.received import ReceivedFile, RefusedFile, SkippedFile, StoredFile
from resource_svc.documents.storage import ObjectStorage
from shared.database.pool import Database
from shared.errors import Malformed, Unavailable

MEGABYTE = 1024 * 1024
LONGEST_UPLOAD = timedelta(minutes=10)

_PARAMETERS = ("upload", "upload[]")
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

    @property
    def file_bytes(self) -> int:
        return self.megabytes * MEGABYTE


@dataclass(frozen=True, slots=True)
class ReceiveFiles:
    """Takes the files of one call.

    Each is noted as pending before its first byte is stored. What nobody claims while the block
    lasts is discarded at its end, or by the sweep.
    """

    database: Database
    storage: ObjectStorage
    discard: DiscardUploads
    limits: Limits

    @asynccontextmanager
    async def __call__(self, uid: str) -> AsyncIterator["Reception"]:
        """Raises `Malformed` when the sender takes too long."""
        async with self.database.connection() as connection:
            left = self.limits.documents - await store.number_of_documents(connection, uid)
        reception = Reception(self.database, self.storage, self.limits, left)
        try:
            async with asyncio.timeout(LONGEST_UPLOAD.total_seconds()) as deadline:
                yield reception
        except Unavailable:
            reception.finished.clear()  # who is away is not asked again at once, but by the sweep
            raise
        except TimeoutError:
            if deadline.expired():
                raise Malformed from None
            raise
        finally:
            await self.discard(reception.finished)


class Reception:
    """The files of one call; a `FileReceiver`."""

    def __init__(
        self, database: Database, storage: ObjectStorage, limits: Limits, left: int
    ) -> None:
        self._database = database
        self._storage = storage
        self._limits = limits
        self._left = left
        self.max_body_bytes = limits.body_bytes
        self.finished: list[str] = []
        """Keys that nothing is written under any more."""

    async def receive(
        self, parameter: str, filename: str, content: AsyncIterator[bytes]
    ) -> ReceivedFile:
        """What became of the file; raises `Unavailable`, or what reading it raises."""
        if parameter not in _PARAMETERS or self._left <= 0:
            return SkippedFile()
        received = await self._receive(_sanitized(filename), content)
        # Once a file is refused no other is wanted.
        self._left = 0 if isinstance(received, RefusedFile) else self._left - 1
        return received

    async def _receive(self, filename: str, content: AsyncIterator[bytes]) -> ReceivedFile:
        extension = extension_of(filename)
        if extension not in self._limits.extensions:
            return RefusedFile(_not_allowed(extension, self._limits.extensions))
        kind = FILE_TYPES[extension]
        file = _Measured(content, self._limits.file_bytes)
        head = await file.head()
        if not head:
            return RefusedFile("upload.File size should be greater than 1 Byte")
        if not kind.begins(head):
            return RefusedFile("upload.content_mismatch")
        try:
            return StoredFile(await self._store(filename, kind, file))
        except _FileTooLarge:
            return RefusedFile(f"upload.File size should be less than {self._limits.megabytes} MB")

    async def _store(self, filename: str, kind: FileType, file: "_Measured") -> str:
        key = f"document/upload/{secrets.token_hex(16)}/{filename}"
        async with self._database.connection() as connection:
            await store.note_pending(connection, key)
        try:
            await self._storage.put(key, file, filename, kind)
        except Unavailable:
            raise  # the storage may still be at it: only the sweep knows when it is not
        except Exception:
            self.finished.append(key)
            raise
        self.finished.append(key)
        return key


class _FileTooLarge(Exception):
    """There is more of the file than there may be."""


class _Measured:
    """A file as it is read, whose beginning can be seen first, and which is cut when too large."""

    def __init__(self, content: AsyncIterator[bytes], limit: int) -> None:
        self._content = content
        self._left = limit
        self._head = b""

    async def head(self) -> bytes:
        """At least the first bytes, all where there are few; they are read again later."""
        async for chunk in self._content:
            self._head += chunk
            if len(self._head) >= HEAD_BYTES:
                break
        return self._head

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk, self._head = self._head or await anext(self._content), b""
        self._left -= len(chunk)
        if self._left < 0:
            raise _FileTooLarge
        return chunk


def _sanitized(filename: str) -> str:
    """A file's name with nothing in it that a path or a header could mean otherwise."""
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
