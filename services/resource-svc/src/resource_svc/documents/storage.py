"""The object storage: files by key, written and read as streams."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import obstore
import structlog
from obstore.store import ObjectStore

from resource_svc.documents.file_types import FileType
from resource_svc.documents.spool import Spool, SpooledFile
from shared.errors import NotFound, Unavailable

log = structlog.get_logger()

_READ_BYTES = 256 * 1024
_TURN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, and its content as it is read; reading raises `Unavailable`."""

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
        """Keeps what writing needs for the time of the block."""
        with self.spool:
            yield

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A turn to put an object; there are as many as may be stored at the same time.

        It is for files that are whole: no sender is waited for in it.
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
        """Stores a file, few bytes of which are ever in memory; after a failure it may be there."""

    async def delete(self, key: str) -> None:
        """Deletes an object; one that is gone already is no error."""
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


async def _read(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in stream:
            yield chunk
    except Exception as error:
        raise unavailable("get", error) from error


def unavailable(operation: str, reason: object) -> Unavailable:
    """The refusal; the log has the first line of why, the rest are obstore's own structures."""
    line = next(iter(str(reason).splitlines()), "")
    log.warning("object_storage_failed", operation=operation, reason=line[:500])
    return Unavailable("object storage")
