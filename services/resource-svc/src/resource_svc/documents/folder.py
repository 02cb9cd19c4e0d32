"""Objects in a folder of this machine."""

import asyncio
from pathlib import Path

import obstore
from obstore.store import LocalStore

from resource_svc.documents.file_types import FileType
from resource_svc.documents.spool import Spool, SpooledFile
from resource_svc.documents.storage import ObjectStorage, unavailable

_PART_BYTES = 1024 * 1024


class Folder(ObjectStorage):
    """A folder that all instances share; raises obstore's `BaseError` when it cannot be made."""

    def __init__(self, folder: Path, uploads: int, spool: Spool) -> None:
        super().__init__(LocalStore(folder, mkdir=True), uploads, spool)
        self._folder = folder

    async def put(self, key: str, file: SpooledFile, filename: str, kind: FileType) -> None:
        """Copies it in parts."""
        try:
            await obstore.put_async(
                self._store, key, file.blocks(), chunk_size=_PART_BYTES, max_concurrency=1
            )
        except Exception as error:
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
