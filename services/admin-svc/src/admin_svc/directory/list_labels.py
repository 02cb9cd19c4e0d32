"""Lists the private labels that there are."""

from dataclasses import dataclass

from admin_svc.directory.counts import store
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListLabels:
    """Which private labels users have."""

    database: Database

    async def __call__(self) -> dict[tuple[str, str], int]:
        """How many users have each key with each value, in their order."""
        async with self.database.connection() as connection:
            counted = await store.private_labels(connection)
        labels = (name.split(":") for name in counted)
        return dict(zip(((key, value) for _, key, value in labels), counted.values(), strict=True))
