"""Adds a public label."""

from dataclasses import dataclass

from resource_svc.labels import rules, store
from resource_svc.labels.errors import TooManyLabels
from resource_svc.labels.label import PUBLIC, Label
from resource_svc.labels.tell import TellOfLabel
from resource_svc.users.transactions import UserTransactions


@dataclass(frozen=True, slots=True)
class AddLabel:
    """A label that its user makes himself; a private one with the same key is no obstacle."""

    transactions: UserTransactions
    tell: TellOfLabel

    async def __call__(self, uid: str, key: str, value: str) -> Label:
        """The new label; raises `Invalid`, `LabelKeyTaken`, `TooManyLabels` or `NotFound`."""
        rules.check(key=key, value=value)
        async with self.transactions.of_actor(uid) as (connection, user):
            await store.lock_labels(connection, uid)
            label = await store.insert_label(connection, uid, PUBLIC, key, value)
            if await store.number_of_public_labels(connection, uid) > rules.MAX_PUBLIC_LABELS:
                raise TooManyLabels
            await self.tell(connection, "created", label, user)
        return label
