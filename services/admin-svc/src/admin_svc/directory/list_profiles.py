"""Lists the profiles of all users."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from admin_svc.directory import store
from admin_svc.directory.counts import store as counts
from admin_svc.directory.models import profile_model
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListProfiles:
    """All profiles, the oldest first."""

    database: Database

    async def __call__(self, limit: int, offset: int) -> tuple[Sequence[dict[str, Any]], int]:
        """One page, and how many there are in all."""
        async with self.database.connection() as connection:
            total = await counts.tally(connection, "profiles")
            if offset >= total:
                return (), total
            page = await store.select_profiles(connection, limit, offset)
        return [profile_model(record) for record in page], total
