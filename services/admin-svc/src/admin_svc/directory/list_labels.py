"""Lists the labels that there are."""

from dataclasses import dataclass

from admin_svc.directory.counts import store
from admin_svc.directory.keeping.facets import PRIVATE
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListLabels:
    """Which labels users have."""

    database: Database

    async def __call__(self, scope: str = PRIVATE) -> dict[tuple[str, str], int]:
        """How many users have each key with each value in this scope, in their order."""
        async with self.database.connection() as connection:
            counted = await store.labels(connection, scope)
        labels = (name.split(":") for name in counted)
        return dict(zip(((key, value) for _, key, value in labels), counted.values(), strict=True))
