"""Gives a public label another value."""

from dataclasses import dataclass

from resource_svc.labels import rules, store
from resource_svc.labels.errors import LabelIsPrivate
from resource_svc.labels.label import PRIVATE, Label
from resource_svc.labels.tell import TellOfLabel
from resource_svc.users.find_user import FindUser
from resource_svc.users.lock_user import lock_actor
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class ChangeLabel:
    """A change by the user himself; the value it has already is no change."""

    database: Database
    tell: TellOfLabel
    find_user: FindUser

    async def __call__(self, uid: str, key: str, value: str) -> Label:
        """The label as it is now; raises `NotFound`, `LabelIsPrivate` or `Invalid`."""
        await self.find_user(uid)
        async with self.database.transaction() as connection:
            user = await lock_actor(connection, uid)
            await store.lock_labels(connection, uid)
            label = await store.label_by_key(connection, uid, key)
            if label.scope == PRIVATE:
                raise LabelIsPrivate
            rules.check(value=value)
            if label.value == value:
                return label
            changed = await store.set_value(connection, label, value)
            await self.tell(connection, "updated", changed, user, {"value": label.value})
        return changed
