"""Tells of a change to a data storage, in the transaction that makes it."""

from resource_svc.attachments.events import with_snapshot
from resource_svc.data_storages import store
from resource_svc.data_storages.data_storage import DataStorage
from resource_svc.data_storages.events import Happening, data_storage_event
from shared.contracts.attachments import AttachmentSet
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox


async def tell(
    connection: Connection, outbox: Outbox, happening: Happening, storage: DataStorage, user: User
) -> AttachmentSet:
    """Writes the event of a change that `store.next_version` has counted; all that there is now."""
    (storages,) = await store.sets_of(connection, [storage.uid])
    await outbox.add(
        connection, with_snapshot(data_storage_event(happening, storage, user), storages)
    )
    return storages
