"""Lists all sets of attachments of some users."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.data_storages import store as data_storages
from resource_svc.documents import store as documents
from resource_svc.labels import store as labels
from resource_svc.phones import store as phones
from resource_svc.profiles import store as profiles
from shared.contracts.attachments import AttachmentSet
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ListSets:
    """For who keeps a copy of them: each set is as its latest event told it, or newer."""

    database: Database

    async def __call__(self, uids: Sequence[str]) -> list[AttachmentSet]:
        """Only sets that there are, or were."""
        async with self.database.connection() as connection:
            return [
                each
                for snapshots in (
                    labels.sets_of,
                    profiles.sets_of,
                    phones.PHONE_TABLE.snapshots,
                    documents.DOCUMENT_TABLE.snapshots,
                    data_storages.sets_of,
                )
                for each in await snapshots(connection, uids)
            ]
