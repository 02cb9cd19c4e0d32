"""Discards the uploads that processes left which died, or which the storage did not answer."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import structlog

from resource_svc.documents import store
from resource_svc.documents.discard_uploads import DiscardUploads
from resource_svc.documents.receive_files import LONGEST_UPLOAD
from shared.database.pool import Database
from shared.errors import Unavailable

log = structlog.get_logger()

AGE = 2 * LONGEST_UPLOAD + timedelta(hours=1)
"""Nothing is still being written after that, not even by a storage that is slow to give up."""
_SECONDS = 600


@dataclass(frozen=True, slots=True)
class SweepUploads:
    """Any number of processes may sweep at the same time."""

    database: Database
    discard_uploads: DiscardUploads

    async def run(self) -> None:
        """Sweeps now and every ten minutes; raises `Unavailable`."""
        while True:
            await self()
            await asyncio.sleep(_SECONDS)

    async def __call__(self) -> None:
        """Tries them all; raises `Unavailable` for one that could not be discarded."""
        async with self.database.connection() as connection:
            keys = await store.pending_for(connection, AGE)
        failure: Unavailable | None = None
        for key in keys:
            try:
                await self.discard_uploads.one(key)
            except Unavailable as error:
                failure = error
        if keys:
            log.info("uploads_swept", found=len(keys))
        if failure is not None:
            raise failure
