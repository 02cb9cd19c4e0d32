"""Creates a data storage."""

from collections.abc import Set
from dataclasses import dataclass

from resource_svc.data_storages import rules, store
from resource_svc.data_storages.data_storage import DataStorage
from resource_svc.data_storages.tell import tell
from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.users.transactions import UserTransactions
from shared.errors import Invalid
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class CreateDataStorage:
    """A data storage under one of the configured `titles`, and the label <title>:recorded."""

    transactions: UserTransactions
    outbox: Outbox
    put_private_label: PutPrivateLabel
    apply_labels: ApplyLabels
    titles: Set[str]

    async def __call__(self, uid: str, title: str, data: str) -> DataStorage:
        """The new data storage; raises `Invalid`."""
        async with self.transactions.of_actor(uid) as (connection, user):
            version = await store.next_version(connection, uid)
            faults = [*rules.data_faults(data)]
            if await store.is_taken(connection, uid, title):
                faults.append("title.taken")
            faults += rules.title_faults(title, self.titles)
            if faults:
                raise Invalid(faults)
            storage = await store.insert_data_storage(connection, uid, version, title, data)
            await tell(connection, self.outbox, "created", storage, user)
            labels = await self.put_private_label.within(connection, user, title, "recorded")
        await self.apply_labels(labels)
        return storage
