"""Discards uploads that became no documents."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from resource_svc.documents import store
from resource_svc.documents.storage import ObjectStorage
from shared.database.pool import Database
from shared.errors import Unavailable

log = structlog.get_logger()

_AT_ONCE = 2
"""Each holds a connection of the pool while the storage deletes."""


@dataclass(frozen=True, slots=True)
class DiscardUploads:
    """First the object goes, then its note: whatever happens in between, it is found again.

    The note is locked meanwhile, so that nobody makes a document of the object.
    """

    database: Database
    storage: ObjectStorage
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def __call__(self, keys: Sequence[str], *, seconds: float | None = None) -> None:
        """Those of the uploads that are pending.

        What fails is left to the sweep, and what is not done after so many seconds.
        """
        try:
            async with asyncio.timeout(seconds):
                async with self.database.connection() as connection:
                    pending = await store.pending_of(connection, keys)
                for key in pending:
                    await self.one(key)
        except (Unavailable, TimeoutError) as error:
            _leave(error)

    async def note(self, key: str) -> None:
        """The note of an upload of which the storage has nothing."""
        try:
            async with self.database.connection() as connection:
                await store.forget_pending(connection, key)
        except Unavailable as error:
            _leave(error)

    async def one(self, key: str) -> None:
        """Raises `Unavailable`."""
        async with self._turns, self.database.transaction() as connection:
            if await store.lock_pending(connection, key):
                await self.storage.delete(key)
                await store.forget_pending(connection, key)


def _leave(error: Unavailable | TimeoutError) -> None:
    reason = error.dependency if isinstance(error, Unavailable) else "took too long"
    log.warning("uploads_await_their_sweep", reason=reason)
