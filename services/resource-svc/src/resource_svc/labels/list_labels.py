"""Lists a user's labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.labels import store
from resource_svc.labels.label import Label
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListLabels:
    """All labels of a user, of both scopes, the oldest first."""

    database: Database

    async def __call__(self, uid: str) -> Sequence[Label]:
        """None at all for a user that nobody knows."""
        async with self.database.connection() as connection:
            return await store.labels_of(connection, uid)
