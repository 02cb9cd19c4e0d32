"""Forgets nonces that nobody accepts any more."""

import asyncio
import time
from dataclasses import dataclass

from resource_svc.nonces import store
from shared.database.pool import Database

_SECONDS = 10
_MARGIN = 60_000
"""How far, in milliseconds, our clock may be ahead of a gateway's."""


@dataclass(frozen=True, slots=True)
class SweepNonces:
    """Any number of processes may sweep at the same time."""

    database: Database

    async def run(self) -> None:
        """Sweeps now and every ten seconds; raises `Unavailable`."""
        while True:
            await self(time.time_ns() // 1_000_000)
            await asyncio.sleep(_SECONDS)

    async def __call__(self, now: int) -> None:
        """Sweeps what ended some time before `now`, milliseconds; raises `Unavailable`."""
        async with self.database.connection() as connection:
            await store.note_beginning(connection)
            while await store.delete_nonces(connection, now - _MARGIN):
                pass
            while await store.delete_message_nonces(connection, now - _MARGIN):
                pass
