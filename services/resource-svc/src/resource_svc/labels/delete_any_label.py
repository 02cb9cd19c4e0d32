"""Deletes any label of a user."""

from dataclasses import dataclass

from resource_svc.labels import store
from resource_svc.labels.changed_label import ChangedLabel
from resource_svc.labels.label import PRIVATE
from resource_svc.labels.tell import TellOfLabel
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_user
from shared.database.pool import Database
from shared.errors import NotFound


@dataclass(frozen=True, slots=True)
class DeleteAnyLabel:
    """A deletion by an administrator."""

    database: Database
    tell: TellOfLabel
    find_user: FindUser

    async def __call__(self, uid: str, scope: str, key: str) -> ChangedLabel:
        """The label that was; raises `NotFound`."""
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_user(connection, uid)
            await store.lock_labels(connection, uid)
            label = await store.label_in_scope(connection, uid, scope, key)
            if label is None:
                raise NotFound
            await store.delete_label(connection, label)
            labels = await self.tell(connection, "deleted", label, user)
        return ChangedLabel(label, None, labels if scope == PRIVATE else None)
