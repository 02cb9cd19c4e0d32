"""Gives a public label another value."""

from dataclasses import dataclass

from resource_svc.labels import rules, store
from resource_svc.labels.errors import LabelIsPrivate
from resource_svc.labels.label import PRIVATE, Label
from resource_svc.labels.tell import TellOfLabel
from resource_svc.users.transactions import UserTransactions


@dataclass(frozen=True, slots=True)
class ChangeLabel:
    """A change by the user himself; the value it has already is no change."""

    transactions: UserTransactions
    tell: TellOfLabel

    async def __call__(self, uid: str, key: str, value: str) -> Label:
        """The label as it is now; raises `NotFound`, `LabelIsPrivate` or `Invalid`."""
        async with self.transactions.of_actor(uid) as (connection, user):
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
