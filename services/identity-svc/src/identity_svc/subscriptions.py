"""What identity-svc does on which event."""

from collections.abc import Mapping

from identity_svc.account_status.use_cases import AccountStatus
from identity_svc.users.models import UserNotFound
from shared.contracts.events import ReceivedEvent
from shared.contracts.labels import PrivateLabels
from shared.database.pool import Connection, Database
from shared.messaging.inbox import Reaction, once


def reactions(database: Database, account_status: AccountStatus) -> Mapping[str, Reaction]:
    """Event name to reaction."""

    async def labels_changed(connection: Connection, event: ReceivedEvent) -> None:
        labels = PrivateLabels.of(event.snapshot["private_labels"])
        try:
            await account_status.apply_labels_within(connection, labels)
        except UserNotFound:
            return  # the user was erased since: there is no status to change

    recompute = once(database, labels_changed)
    return {
        "model.label.created": recompute,
        "model.label.updated": recompute,
        "model.label.deleted": recompute,
    }
