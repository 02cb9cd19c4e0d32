"""Sees to it that a user has not got a private label."""

from dataclasses import dataclass

from resource_svc.labels import store
from resource_svc.labels.tell import tell
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class RemovePrivateLabel:
    """Deletes a private label, whatever its value; one that is not there changes nothing."""

    outbox: Outbox

    async def within(self, connection: Connection, user: User, key: str) -> PrivateLabels:
        """All private labels of the user, without this one; part of a transaction under way."""
        await store.lock_labels(connection, user.uid)
        label = await store.private_label(connection, user.uid, key)
        if label is None:
            return await store.private_labels(connection, user.uid)
        await store.delete_label(connection, label)
        return await tell(connection, self.outbox, "deleted", label, user)
