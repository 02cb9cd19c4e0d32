"""Deletes a data storage."""

import dataclasses

from resource_svc.data_storages import store
from resource_svc.data_storages.tell import tell
from resource_svc.users.transactions import UserTransactions
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.errors import NotFound
from shared.messaging.outbox import Outbox


class DataStorageNotFound(NotFound):
    """The user has no data storage with this title, as administrators are told."""

    codes = ("admin.storage.doesnt_exist",)


@dataclasses.dataclass(frozen=True, slots=True)
class DeleteDataStorage:
    """A deletion by an administrator; the label <title>:recorded says what was, and stays."""

    transactions: UserTransactions
    outbox: Outbox

    async def __call__(self, by: Administrator, uid: str, title: str) -> ChangedAttachment:
        """What was deleted, and all that is left.

        Raises `DataStorageNotFound` or what `UserTransactions.of_subject` raises.
        """
        async with self.transactions.of_subject(uid, by) as (connection, user):
            version = await store.next_version(connection, uid)
            deleted = await store.delete_data_storage(connection, uid, title)
            if deleted is None:
                raise DataStorageNotFound
            gone = dataclasses.replace(deleted, version=version)
            left = await tell(connection, self.outbox, "deleted", gone, user)
        return ChangedAttachment(before=gone.model(), after=None, user=user, sets=(left,))
