"""What identity-svc does on which event."""

from collections.abc import Mapping

from identity_svc.standing.apply_labels import ApplyLabels
from identity_svc.users.errors import UserNotFound
from shared.contracts.events import ReceivedEvent
from shared.contracts.labels import PrivateLabels
from shared.database.pool import Connection, Database
from shared.messaging.inbox import Reaction, once


def reactions(database: Database, apply_labels: ApplyLabels) -> Mapping[str, Reaction]:
    """Event name to reaction."""

    async def labels_changed(connection: Connection, event: ReceivedEvent) -> None:
        labels = PrivateLabels.of(event.snapshot["private_labels"])
        try:
            await apply_labels.within(connection, labels)
        except UserNotFound:
            return  # erased since; nobody is left whose standing could change

    recompute = once(database, labels_changed)
    return {
        "model.label.created": recompute,
        "model.label.updated": recompute,
        "model.label.deleted": recompute,
    }
