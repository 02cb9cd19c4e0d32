"""Lists a user's labels."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.labels import store
from resource_svc.labels.label import Label
from shared.contracts.attachments import AttachmentSet
from shared.database.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class ListLabels:
    """All labels of a user, of both scopes, the oldest first."""

    database: Database

    async def __call__(self, uid: str) -> Sequence[Label]:
        """None at all for a user that nobody knows."""
        async with self.database.connection() as connection:
            return await store.labels_of(connection, uid)

    async def sets(self, connection: Connection, uid: str) -> Sequence[AttachmentSet]:
        """The set of them, if there ever were any; part of a transaction under way."""
        return await store.sets_of(connection, [uid])
