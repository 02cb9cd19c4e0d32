"""Deletes a data storage."""

import dataclasses

from resource_svc.data_storages import store
from resource_svc.data_storages.data_storage import DataStorage
from resource_svc.data_storages.tell import tell
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_user
from shared.database.pool import Database
from shared.errors import NotFound
from shared.messaging.outbox import Outbox


@dataclasses.dataclass(frozen=True, slots=True)
class DeleteDataStorage:
    """A deletion by an administrator; the label <title>:recorded says what was, and stays."""

    database: Database
    outbox: Outbox
    find_user: FindUser

    async def __call__(self, uid: str, title: str) -> DataStorage:
        """What was deleted; raises `NotFound`."""
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_user(connection, uid)
            version = await store.next_version(connection, uid)
            deleted = await store.delete_data_storage(connection, uid, title)
            if deleted is None:
                raise NotFound
            gone = dataclasses.replace(deleted, version=version)
            await tell(connection, self.outbox, "deleted", gone, user)
        return gone
