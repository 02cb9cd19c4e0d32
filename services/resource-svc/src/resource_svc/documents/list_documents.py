"""Lists a user's documents."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.documents import store
from resource_svc.documents.document import Document
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListDocuments:
    """All documents of a user, the oldest first."""

    database: Database

    async def __call__(self, uid: str) -> Sequence[Document]:
        """None at all for a user that nobody knows."""
        async with self.database.connection() as connection:
            return await store.documents_of(connection, uid)
