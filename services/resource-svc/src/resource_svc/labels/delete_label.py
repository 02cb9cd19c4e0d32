"""Deletes a public label."""

from dataclasses import dataclass

from resource_svc.labels import store
from resource_svc.labels.errors import LabelIsPrivate
from resource_svc.labels.label import PRIVATE
from resource_svc.labels.tell import TellOfLabel
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_actor
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class DeleteLabel:
    """A deletion by the user himself."""

    database: Database
    tell: TellOfLabel
    find_user: FindUser

    async def __call__(self, uid: str, key: str) -> None:
        """Raises `NotFound` or `LabelIsPrivate`."""
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_actor(connection, uid)
            await store.lock_labels(connection, uid)
            label = await store.label_by_key(connection, uid, key)
            if label.scope == PRIVATE:
                raise LabelIsPrivate
            await store.delete_label(connection, label)
            await self.tell(connection, "deleted", label, user)
