"""The object storage, which writes and reads files as streams, and the storage in a folder."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import obstore
import structlog
from obstore.store import LocalStore, ObjectStore

from resource_svc.documents.spool import Spool, SpooledFile
from resource_svc.file_types import FileType
from shared.errors import NotFound, Unavailable

log = structlog.get_logger()

MEGABYTE = 1024 * 1024

_READ_BYTES = 256 * 1024
_TURN_SECONDS = 5.0
_PART_BYTES = MEGABYTE


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, and a stream of its content; reading raises `Unavailable`."""

    size: int
    content: AsyncIterator[bytes]


class ObjectStorage(ABC):
    """Objects by key.

    Every call raises `Unavailable` when the storage cannot be reached, refuses or takes too long.
    """

    def __init__(self, store: ObjectStore, uploads: int, spool: Spool) -> None:
        self._store = store
        self.spool = spool
        self._turns = asyncio.Semaphore(uploads)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps the spool and connections for the time of the block."""
        with self.spool:
            yield

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn to put an object, which limits how many are stored at the same time.

        It is for files that are whole: nobody waits for a sender during it. Raises `Unavailable`.
        """
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise unavailable("put", "too many uploads at the same time") from None
        try:
            yield
        finally:
            self._turns.release()

    @abstractmethod
    async def put(self, key: str, file: SpooledFile, filename: str, kind: FileType) -> None:
        """Stores a file as a stream; after a failure the object may exist all the same."""

    async def delete(self, key: str) -> None:
        """Deletes an object if it exists."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            pass
        except Exception as error:
            raise unavailable("delete", error) from error

    async def open(self, key: str) -> StoredObject:
        """The object; raises `NotFound`."""
        try:
            got = await obstore.get_async(self._store, key)
        except FileNotFoundError:
            raise NotFound from None
        except Exception as error:
            raise unavailable("get", error) from error
        return StoredObject(got.meta["size"], _read(got.stream(min_chunk_size=_READ_BYTES)))


class Folder(ObjectStorage):
    """A folder that all instances share; raises obstore's `BaseError` when it cannot be created."""

    def __init__(self, folder: Path, uploads: int, spool: Spool) -> None:
        super().__init__(LocalStore(folder, mkdir=True), uploads, spool)
        self._folder = folder

    async def put(self, key: str, file: SpooledFile, filename: str, kind: FileType) -> None:
        """Copies the file in parts."""
        try:
            await obstore.put_async(
                self._store, key, file.blocks(), chunk_size=_PART_BYTES, max_concurrency=1
            )
        except Exception as error:
            raise unavailable("put", error) from error

    async def delete(self, key: str) -> None:
        """Also deletes what a process left that died during a write: obstore writes `<key>#1`."""
        await super().delete(key)
        try:
            await asyncio.to_thread(_clear, self._folder / key)
        except OSError as error:
            raise unavailable("delete", error) from error


def _clear(path: Path) -> None:
    for staged in path.parent.glob(f"{path.name}#*"):
        staged.unlink(missing_ok=True)
    if path.parent.is_dir():  # each object has a folder of its own
        path.parent.rmdir()


async def _read(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in stream:
            yield chunk
    except Exception as error:
        raise unavailable("get", error) from error


def unavailable(operation: str, reason: object) -> Unavailable:
    """The refusal; logs the first line of the reason, after which obstore shows its internals."""
    line = next(iter(str(reason).splitlines()), "")
    log.warning("object_storage_failed", operation=operation, reason=line[:500])
    return Unavailable("object storage")
