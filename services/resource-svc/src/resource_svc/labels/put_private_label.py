"""Sees to it that a user has a private label."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from resource_svc.labels import rules, store
from resource_svc.labels.label import PRIVATE
from resource_svc.labels.tell import TellOfLabel, private_labels
from resource_svc.users.transactions import UserTransactions
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True)
class PutPrivateLabel:
    """Adds a private label or changes its value; the same again changes and tells nothing."""

    transactions: UserTransactions
    tell: TellOfLabel

    async def __call__(self, uid: str, key: str, value: str) -> PrivateLabels:
        """All private labels of the user, with this one; raises `Invalid` or `NotFound`."""
        rules.check(key=key, value=value)
        async with self.transactions.of(uid) as (connection, user):
            return await self.within(connection, user, key, value)

    async def within(
        self,
        connection: Connection,
        user: User,
        key: str,
        value: str,
        *,
        instead: Mapping[str, str] = MappingProxyType({}),
    ) -> PrivateLabels:
        """The same, as part of a transaction under way, for key and value that are right.

        `instead` names other values for labels that have a certain value now.
        """
        await store.lock_labels(connection, user.uid)
        label = await store.private_label(connection, user.uid, key)
        if label is None:
            added = await store.insert_label(connection, user.uid, PRIVATE, key, value)
            return private_labels(await self.tell(connection, "created", added, user))
        value = instead.get(label.value, value)
        if label.value == value:
            return await store.private_labels(connection, user.uid)
        changed = await store.set_value(connection, label, value)
        labels = await self.tell(connection, "updated", changed, user, {"value": label.value})
        return private_labels(labels)
