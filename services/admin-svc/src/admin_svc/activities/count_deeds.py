"""Counts what users did in a span of time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from admin_svc.activities import store
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class CountDeeds:
    """By topic, action and result; read from an index alone, about a day at most."""

    database: Database

    async def __call__(
        self, start: datetime, end: datetime, topics: Iterable[str]
    ) -> list[tuple[tuple[str, str, str], int]]:
        """What happened from `start` on and before `end`, of these topics."""
        async with self.database.connection() as connection:
            return await store.count_deeds(connection, start, end, topics)
