"""Creates, lists and deletes data storages."""

import dataclasses
from collections.abc import Sequence, Set
from dataclasses import dataclass

from resource_svc.attachments.events import with_snapshot
from resource_svc.core import Core
from resource_svc.data_storages import models, store
from resource_svc.data_storages.configuration import configured_titles
from resource_svc.data_storages.events import Happening, data_storage_event
from resource_svc.data_storages.models import DataStorage
from resource_svc.data_storages.store import DATA_STORAGE_TABLE
from resource_svc.labels.use_cases import Labels
from resource_svc.users.use_cases import Users
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.contracts.attachments import AttachmentSnapshot
from shared.contracts.refusals import DataStorageNotFound
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.errors import Invalid
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class DataStorages:
    """Users' data storages, and the private label <title>:recorded of each."""

    database: Database
    outbox: Outbox
    users: Users
    labels: Labels
    titles: Set[str]
    """Those that the operator allows."""

    async def list(self, uid: str) -> Sequence[DataStorage]:
        """All data storages of a user, the oldest first; none for an unknown user."""
        async with self.database.connection() as connection:
            return await DATA_STORAGE_TABLE.list(connection, uid)

    async def create(self, uid: str, title: str, data: str) -> DataStorage:
        """The new data storage; raises `Invalid`."""
        async with self.users.actor_transaction(uid) as (connection, user):
            version = await DATA_STORAGE_TABLE.next_version(connection, uid)
            faults = [*models.data_faults(data)]
            if await store.is_taken(connection, uid, title):
                faults.append("title.taken")
            faults += models.title_faults(title, self.titles)
            if faults:
                raise Invalid(faults)
            storage = await store.insert_data_storage(connection, uid, version, title, data)
            await self._publish(connection, "created", storage, user)
            labels = await self.labels.upsert_private(connection, user, title, "recorded")
        await self.labels.apply(labels)
        return storage

    async def delete_as_admin(self, by: Administrator, uid: str, title: str) -> ChangedAttachment:
        """Deletes a data storage; the label <title>:recorded stays.

        Raises `DataStorageNotFound` or what `Users.subject_transaction` raises.
        """
        async with self.users.subject_transaction(uid, by) as (connection, user):
            version = await DATA_STORAGE_TABLE.next_version(connection, uid)
            deleted = await store.delete_data_storage(connection, uid, title)
            if deleted is None:
                raise DataStorageNotFound
            deleted = dataclasses.replace(deleted, version=version)
            snapshot = await self._publish(connection, "deleted", deleted, user)
        return ChangedAttachment(
            before=deleted.to_public(), after=None, user=user, sets=(snapshot,)
        )

    async def snapshots(
        self, connection: Connection, uids: Sequence[str]
    ) -> Sequence[AttachmentSnapshot]:
        """The snapshots of these users' data storages."""
        return await DATA_STORAGE_TABLE.snapshots(connection, uids)

    async def erase(self, connection: Connection, uid: str) -> None:
        """Deletes all data storages of a user who is erased in this transaction."""
        await DATA_STORAGE_TABLE.erase(connection, uid)

    async def _publish(
        self, connection: Connection, happening: Happening, storage: DataStorage, user: User
    ) -> AttachmentSnapshot:
        """Adds the event of a change, whose version was counted, to the outbox; the snapshot."""
        snapshot = await DATA_STORAGE_TABLE.snapshot(connection, storage.uid)
        event = data_storage_event(happening, storage, user)
        await self.outbox.add(connection, with_snapshot(event, snapshot))
        return snapshot


def build(core: Core, users: Users, labels: Labels) -> DataStorages:
    """The use cases of data storages; raises `SettingsError` for their configuration."""
    titles = configured_titles(core.settings.config_dir)
    return DataStorages(core.database, core.outbox, users, labels, titles)
