"""Adds to counts what triggers append to them: one process at a time, batch by batch."""

import asyncio
from collections.abc import Awaitable, Callable

from shared.database.pool import Connection, Database

_SECONDS = 2.0


async def fold_all(
    database: Database, lock: str, fold: Callable[[Connection], Awaitable[bool]]
) -> None:
    """Folds everything that is there now, unless another process does; `lock` names the counts.

    `fold` adds a batch, and returns whether more may be left.
    """
    while True:
        async with database.transaction() as connection:
            if not await _take(connection, lock) or not await fold(connection):
                return


async def fold_repeatedly(fold: Callable[[], Awaitable[None]]) -> None:
    """Folds every two seconds; raises `Unavailable` when PostgreSQL goes away."""
    while True:
        await fold()
        await asyncio.sleep(_SECONDS)


async def _take(connection: Connection, lock: str) -> bool:
    """Takes the lock, if it is free; keeps it until the transaction ends."""
    return bool(
        await connection.fetchval("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", lock)
    )
