"""Lists a user's profiles."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.profiles import store
from resource_svc.profiles.profile import Profile
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListProfiles:
    """All profiles of a user, the oldest first."""

    database: Database

    async def __call__(self, uid: str) -> Sequence[Profile]:
        """None at all for a user that nobody knows."""
        async with self.database.connection() as connection:
            return await store.profiles_of(connection, uid)
