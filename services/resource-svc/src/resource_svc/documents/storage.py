"""The object storage: files by key, written and read as streams."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

import obstore
import structlog
from obstore.store import AzureStore, GCSStore, LocalStore, ObjectStore, S3Store

from resource_svc.documents.file_types import FileType
from shared.errors import NotFound, Unavailable

if TYPE_CHECKING:  # obstore has it for type checkers only
    from obstore import Attributes

log = structlog.get_logger()

_PART_BYTES = 5 * 1024 * 1024  # the least that S3 and Google take as a part of an upload
_FOLDER_PART_BYTES = 1024 * 1024
_READ_BYTES = 256 * 1024
_TURN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, and its content as it is read; reading raises `Unavailable`."""

    size: int
    content: AsyncIterator[bytes]


class ObjectStorage:
    """Objects by key.

    Every call raises `Unavailable` when the storage cannot be reached, refuses or takes too long.
    """

    def __init__(self, store: ObjectStore, part_bytes: int, uploads: int) -> None:
        self._store = store
        self._part_bytes = part_bytes
        self._turns = asyncio.Semaphore(uploads)

    async def put(
        self, key: str, content: AsyncIterator[bytes], filename: str, kind: FileType
    ) -> None:
        """Stores what `content` gives, in parts, so that few of its bytes are ever in memory.

        Raises what reading `content` raises; then there is no object, and nothing of it. After
        `Unavailable` there may be one.
        """
        source = _Source(content)
        try:
            async with asyncio.timeout(_TURN_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise _unavailable("put", "too many uploads at the same time") from None
        try:
            await obstore.put_async(
                self._store,
                key,
                source,
                attributes=self._attributes(filename, kind),
                chunk_size=self._part_bytes,
                max_concurrency=1,
            )
        except Exception as error:
            if source.failure is not None:
                raise source.failure from None
            raise _unavailable("put", error) from error
        finally:
            self._turns.release()

    def _attributes(self, filename: str, kind: FileType) -> "Attributes | None":
        """What the storage tells whoever reads the object."""
        return None

    async def delete(self, key: str) -> None:
        """Deletes an object; one that is gone already is no error."""
        try:
            await obstore.delete_async(self._store, key)
        except FileNotFoundError:
            pass
        except Exception as error:
            raise _unavailable("delete", error) from error

    async def open(self, key: str) -> StoredObject:
        """The object; raises `NotFound`."""
        try:
            got = await obstore.get_async(self._store, key)
        except FileNotFoundError:
            raise NotFound from None
        except Exception as error:
            raise _unavailable("get", error) from error
        return StoredObject(got.meta["size"], _read(got.stream(min_chunk_size=_READ_BYTES)))


class Bucket(ObjectStorage):
    """A bucket in S3 or what speaks like it, in Google's storage, or a container in Azure's."""

    def __init__(self, store: S3Store | GCSStore | AzureStore, uploads: int) -> None:
        super().__init__(store, _PART_BYTES, uploads)
        self._bucket = store

    def _attributes(self, filename: str, kind: FileType) -> "Attributes | None":
        return {
            "Content-Type": kind.media_type,
            "Content-Disposition": f'attachment; filename="{filename}"',
        }

    async def sign(self, keys: Sequence[str], life: timedelta) -> Sequence[str]:
        """A URL for each object, from which anyone can read it for the time of `life`."""
        try:
            return await obstore.sign_async(self._bucket, "GET", keys, life)
        except Exception as error:
            raise _unavailable("sign", error) from error


class Folder(ObjectStorage):
    """A folder of this machine; raises obstore's `BaseError` when it cannot be made."""

    def __init__(self, folder: Path, uploads: int) -> None:
        super().__init__(LocalStore(folder, mkdir=True), _FOLDER_PART_BYTES, uploads)
        self._folder = folder

    async def delete(self, key: str) -> None:
        """Also what a process left that died while it wrote: obstore writes to `<key>#1` first."""
        await super().delete(key)
        try:
            await asyncio.to_thread(_clear, self._folder / key)
        except OSError as error:
            raise _unavailable("delete", error) from error


def _clear(path: Path) -> None:
    for staged in path.parent.glob(f"{path.name}#*"):
        staged.unlink(missing_ok=True)
    if path.parent.is_dir():  # each object has a folder of its own
        path.parent.rmdir()


class _Source:
    """Remembers what reading raised, so that it is not taken for a fault of the storage."""

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        self._content = content
        self.failure: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._content)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.failure = error
            raise


async def _read(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in stream:
            yield chunk
    except Exception as error:
        raise _unavailable("get", error) from error


def _unavailable(operation: str, reason: object) -> Unavailable:
    """The refusal; the log has the first line of why, the rest are obstore's own structures."""
    line = next(iter(str(reason).splitlines()), "")
    log.warning("object_storage_failed", operation=operation, reason=line[:500])
    return Unavailable("object storage")
