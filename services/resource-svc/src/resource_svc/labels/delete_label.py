"""Deletes a public label."""

from dataclasses import dataclass

from resource_svc.labels import store
from resource_svc.labels.errors import LabelIsPrivate
from resource_svc.labels.label import PRIVATE
from resource_svc.labels.tell import TellOfLabel
from resource_svc.users.transactions import UserTransactions


@dataclass(frozen=True, slots=True)
class DeleteLabel:
    """A deletion by the user himself."""

    transactions: UserTransactions
    tell: TellOfLabel

    async def __call__(self, uid: str, key: str) -> None:
        """Raises `NotFound` or `LabelIsPrivate`."""
        async with self.transactions.of_actor(uid) as (connection, user):
            await store.lock_labels(connection, uid)
            label = await store.label_by_key(connection, uid, key)
            if label.scope == PRIVATE:
                raise LabelIsPrivate
            await store.delete_label(connection, label)
            await self.tell(connection, "deleted", label, user)
