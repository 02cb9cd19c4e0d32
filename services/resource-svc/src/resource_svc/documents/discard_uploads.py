"""Discards uploads that became no documents."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from resource_svc.documents import store
from resource_svc.documents.storage import ObjectStorage
from shared.database.pool import Database
from shared.errors import Unavailable

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DiscardUploads:
    """First the object goes, then its note: whatever happens in between, it is found again.

    The note is locked meanwhile, so that nobody makes a document of the object.
    """

    database: Database
    storage: ObjectStorage

    async def __call__(self, keys: Sequence[str]) -> None:
        """Those of the uploads that are pending; what fails is left to the sweep."""
        try:
            async with self.database.connection() as connection:
                pending = await store.pending_of(connection, keys)
            for key in pending:
                await self.one(key)
        except Unavailable as error:
            log.warning("uploads_await_their_sweep", reason=error.dependency)

    async def one(self, key: str) -> None:
        """Raises `Unavailable`."""
        async with self.database.transaction() as connection:
            if await store.lock_pending(connection, key):
                await self.storage.delete(key)
                await store.forget_pending(connection, key)
