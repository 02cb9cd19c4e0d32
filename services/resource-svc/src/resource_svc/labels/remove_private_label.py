"""Sees to it that a user has not got a private label."""

from dataclasses import dataclass

from resource_svc.labels import store
from resource_svc.labels.tell import TellOfLabel, private_labels
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True)
class RemovePrivateLabel:
    """Deletes a private label; one that is not there changes nothing."""

    tell: TellOfLabel

    async def within(
        self, connection: Connection, user: User, key: str, *, only: str | None = None
    ) -> PrivateLabels:
        """All private labels of the user, without this one; part of a transaction under way.

        With `only`, a label that has another value stays.
        """
        await store.lock_labels(connection, user.uid)
        label = await store.private_label(connection, user.uid, key)
        if label is None or only not in (None, label.value):
            return await store.private_labels(connection, user.uid)
        await store.delete_label(connection, label)
        return private_labels(await self.tell(connection, "deleted", label, user))
