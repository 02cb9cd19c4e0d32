"""Finds one label of a user."""

from dataclasses import dataclass

from resource_svc.labels import store
from resource_svc.labels.label import Label
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class FindLabel:
    """The label that a key means: the private one where a user has the key in both scopes.

    Changing and deleting mean the same one, and refuse it.
    """

    database: Database

    async def __call__(self, uid: str, key: str) -> Label:
        """Raises `NotFound`."""
        async with self.database.connection() as connection:
            return await store.label_by_key(connection, uid, key)
