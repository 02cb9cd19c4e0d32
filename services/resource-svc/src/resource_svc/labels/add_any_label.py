"""Adds a label for a user."""

from dataclasses import dataclass

from resource_svc.labels import rules, store
from resource_svc.labels.changed_label import ChangedLabel
from resource_svc.labels.label import PRIVATE
from resource_svc.labels.tell import TellOfLabel
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_user
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class AddAnyLabel:
    """An addition by an administrator, public or private."""

    database: Database
    tell: TellOfLabel
    find_user: FindUser

    async def __call__(
        self, uid: str, scope: str, key: str, value: str, description: str | None
    ) -> ChangedLabel:
        """The new label; raises `Invalid`, `LabelKeyTaken` or `NotFound`."""
        rules.check_any(scope=scope, key=key, value=value, description=description)
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_user(connection, uid)
            await store.lock_labels(connection, uid)
            label = await store.insert_label(connection, uid, scope, key, value, description)
            labels = await self.tell(connection, "created", label, user)
        return ChangedLabel(None, label, labels if scope == PRIVATE else None)
