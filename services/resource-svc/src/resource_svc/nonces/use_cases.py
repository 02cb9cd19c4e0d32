"""Uses each nonce once, and deletes those that have ended."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from resource_svc.core import Core
from resource_svc.nonces import store
from shared.contracts.api_keys import CREATED_GRANULARITY, Nonce
from shared.database.pool import Database
from shared.errors import Unavailable

_SWEEP_SECONDS = 10
_MARGIN = 60_000
"""How far, in milliseconds, our clock may be ahead of a gateway's."""


@dataclass(frozen=True, slots=True)
class Nonces:
    """The nonces that gateways have accepted."""

    database: Database

    async def use(self, nonces: Sequence[Nonce], lifetime: int) -> list[bool]:
        """For each nonce, whether it is new; of gateways that ask at the same time, one gets it.

        `lifetime` is in milliseconds. A nonce may lie one lifetime ahead and be used until one
        lifetime after; `created` of a message signature stands for a whole second besides. For
        that long after PostgreSQL has lost its unlogged tables, nobody knows which nonces were
        used: raises `Unavailable`.
        """
        async with self.database.connection() as connection:
            fresh, kept_for = await store.insert_nonces(connection, nonces, lifetime)
        if kept_for < timedelta(milliseconds=2 * lifetime + CREATED_GRANULARITY):
            raise Unavailable("used nonces")
        return [_take(nonce, fresh) for nonce in nonces]

    async def sweep(self, now: int) -> None:
        """Deletes nonces that ended some time before `now`, milliseconds; raises `Unavailable`."""
        async with self.database.connection() as connection:
            await store.note_beginning(connection)
            while await store.delete_nonces(connection, now - _MARGIN):
                pass
            while await store.delete_message_nonces(connection, now - _MARGIN):
                pass

    async def sweep_forever(self) -> None:
        """Sweeps now and every ten seconds; any number of processes may. Raises `Unavailable`."""
        while True:
            await self.sweep(time.time_ns() // 1_000_000)
            await asyncio.sleep(_SWEEP_SECONDS)


def _take(nonce: Nonce, fresh: set[tuple[str, int, str]]) -> bool:
    """Whether the nonce is new; it is removed, so that a repeat in one call counts as used."""
    if nonce.identity not in fresh:
        return False
    fresh.remove(nonce.identity)
    return True


def build(core: Core) -> Nonces:
    """The use cases of nonces."""
    return Nonces(core.database)
