"""Keeps the labels that a user brings along from another Barong."""

from dataclasses import dataclass

from resource_svc.labels import store
from resource_svc.labels.tell import TellOfLabel
from resource_svc.users.keep_user import KeepUser
from shared.contracts.events import ReceivedEvent
from shared.contracts.labels import TakenOverLabel
from shared.contracts.users import User
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True)
class TakeOverLabels:
    """The reaction to a `model.user.created` that names labels.

    Everyone who keeps labels has them from that event already, so nothing is told of them, unless
    another label was told of before: then what is known lacks these.
    """

    tell: TellOfLabel
    keep_user: KeepUser

    async def __call__(self, connection: Connection, event: ReceivedEvent) -> None:
        """A label that the user has got meanwhile stays as it is."""
        user = await self.keep_user.within(connection, User.of(event.snapshot))
        labels = [TakenOverLabel.of(label) for label in event.snapshot["labels"]]
        await store.lock_labels(connection, user.uid)
        changed_before = (await store.private_labels(connection, user.uid)).version > 0
        added = await store.insert_labels(connection, user.uid, labels)
        if not changed_before:
            await store.count_change(connection, user.uid)
            return
        for label in added:
            await self.tell(connection, "created", label, user)
