"""Erasing what activities say of a user."""

from dataclasses import dataclass

from admin_svc.activities.erasing import store
from admin_svc.activities.filter import FIRST, Position
from shared.database.pool import Database

BATCH = 1000
"""How many activities one transaction goes through: some hundredths of a second of work."""


@dataclass(frozen=True, slots=True)
class EraseActivities:
    """Takes from the activities of a user, and from those that concern him, what is personal.

    Many short transactions: a user of a million activities is erased as well as any, readers wait
    for none of it, and writers only at its beginning, while others finish. What dies half-way
    leaves what it has done; the next call passes over that quickly. The user has to be marked as
    erased before, so that whatever is told of him from then on is kept without what is personal.
    """

    database: Database

    async def __call__(self, uid: str) -> None:
        """Returns when all is erased; raises `Unavailable`."""
        async with self.database.transaction() as connection:
            await store.wait_for_writers(connection)
        for walk in store.WALKS:
            behind: Position | None = FIRST
            while behind is not None:
                behind = await self.batch(walk, uid, behind)

    async def batch(self, walk: store.Walk, uid: str, behind: Position) -> Position | None:
        """Erases the next ones of a walk; behind where it goes on, None at its end."""
        async with self.database.transaction() as connection:
            return await store.erase_some(connection, walk, uid, behind, BATCH)
