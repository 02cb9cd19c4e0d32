"""Objects in a folder of this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import obstore
from obstore.store import LocalStore

from resource_svc.documents.file_types import FileType
from resource_svc.documents.storage import ObjectStorage, unavailable

_PART_BYTES = 1024 * 1024


class Folder(ObjectStorage):
    """A folder that all instances share; raises obstore's `BaseError` when it cannot be made."""

    def __init__(self, folder: Path, uploads: int) -> None:
        super().__init__(LocalStore(folder, mkdir=True), uploads)
        self._folder = folder

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Needs nothing."""
        yield

    async def put(
        self, key: str, content: AsyncIterator[bytes], filename: str, kind: FileType
    ) -> None:
        """Writes while `content` is read, and deletes what was written when that fails."""
        source = _Source(content)
        try:
            await obstore.put_async(
                self._store, key, source, chunk_size=_PART_BYTES, max_concurrency=1
            )
        except Exception as error:
            if source.failure is not None:
                await self.delete(key)
                raise source.failure from None
            raise unavailable("put", error) from error

    async def delete(self, key: str) -> None:
        """Also what a process left that died while it wrote: obstore writes to `<key>#1` first."""
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
