"""Stores files as they arrive, before it is known what will become of them."""

import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from resource_svc.documents import store
from resource_svc.documents.clock import Clock
from resource_svc.documents.discard_uploads import DiscardUploads
from resource_svc.documents.file_types import FILE_TYPES, FileType, extension_of
from resource_svc.documents.incoming_file import FileTooLarge, IncomingFile
from resource_svc.documents.lanes import Lanes
from resource_svc.documents.received import ReceivedFile, RefusedFile, SkippedFile, StoredFile
from resource_svc.documents.storage import ObjectStorage
from shared.database.pool import Database
from shared.errors import Unavailable
from shared.web.bodies import base_name

MEGABYTE = 1024 * 1024
LONGEST_UPLOAD = timedelta(minutes=10)
_DISCARDING_SECONDS = 2.0  # for which the sender waits

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


@dataclass(frozen=True, slots=True)
class ReceiveFiles:
    """Takes the files of one call: first each whole file, then the storage's turn for it.

    Each is noted as pending before its first byte is stored. What nobody claims while the block
    lasts is discarded at its end, or by the sweep.
    """

    database: Database
    storage: ObjectStorage
    discard: DiscardUploads
    limits: Limits
    lanes: Lanes = field(default_factory=Lanes)

    @asynccontextmanager
    async def __call__(self, uid: str) -> AsyncIterator["Reception"]:
        """Raises `Throttled`, or `Malformed` when the sender takes too long."""
        clock = Clock(LONGEST_UPLOAD.total_seconds(), self.limits.storing_seconds)
        async with self.lanes.of(uid):
            async with self.database.connection() as connection:
                left = self.limits.documents - await store.number_of_documents(connection, uid)
            reception = Reception(
                self.database, self.storage, self.discard, self.limits, clock, left
            )
            try:
                async with clock.running():
                    yield reception
            except Unavailable:
                reception.stored.clear()  # who is away is not asked again, but by the sweep
                raise
            finally:
                await self.discard(reception.stored, seconds=_DISCARDING_SECONDS)


class Reception:
    """The files of one call; a `FileReceiver`."""

    def __init__(
        self,
        database: Database,
        storage: ObjectStorage,
        discard: DiscardUploads,
        limits: Limits,
        clock: Clock,
        left: int,
    ) -> None:
        self._database = database
        self._storage = storage
        self._discard = discard
        self._limits = limits
        self._clock = clock
        self._left = left
        self.max_body_bytes = limits.body_bytes
        self.stored: list[str] = []
        """Keys of objects that are whole."""

    async def receive(
        self, parameter: str, filename: str, content: AsyncIterator[bytes]
    ) -> ReceivedFile:
        """What became of the file; raises `Unavailable`, or what reading it raises."""
        if base_name(parameter) != _PARAMETER or self._left <= 0:
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
        file = IncomingFile(content, self._limits.file_bytes, self._clock)
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
            with self._clock.storing():
                async with self._storage.turn():
                    async with self._database.connection() as connection:
                        await store.note_pending(connection, key)
                    # When it fails the storage may still be at it: the sweep discards the object.
                    await self._storage.put(key, whole, filename, kind)
        self.stored.append(key)
        return key


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
