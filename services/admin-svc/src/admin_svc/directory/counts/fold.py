"""Folds what came to the counts into them."""

import asyncio
from dataclasses import dataclass

from admin_svc.directory.counts import store
from shared.database.pool import Database

_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class FoldCounts:
    """Counts are right at any time: what is not folded yet is added when they are read.

    Folding keeps that little. One process folds at a time; the others have nothing to do.
    """

    database: Database

    async def run(self) -> None:
        """Folds for as long as PostgreSQL is there; raises `Unavailable`."""
        while True:
            await self()
            await asyncio.sleep(_SECONDS)

    async def __call__(self) -> None:
        """Folds everything that is there now."""
        while True:
            async with self.database.transaction() as connection:
                if not await store.lock(connection) or not await store.fold(connection):
                    return
