"""Lists a user's data storages."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.data_storages import store
from resource_svc.data_storages.data_storage import DataStorage
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListDataStorages:
    """All data storages of a user, the oldest first."""

    database: Database

    async def __call__(self, uid: str) -> Sequence[DataStorage]:
        """None at all for a user that nobody knows."""
        async with self.database.connection() as connection:
            return await store.data_storages_of(connection, uid)
