"""What resource-svc does on the events it subscribes to."""

from collections.abc import Mapping

from resource_svc.api_keys.deactivate_api_keys import DeactivateApiKeys
from resource_svc.labels.take_over_labels import TakeOverLabels
from resource_svc.labels.verify_email import VerifyEmail
from resource_svc.users.keep_user import KeepUser
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Database
from shared.messaging.inbox import Reaction, once


def reactions(
    database: Database,
    keep_user: KeepUser,
    take_over_labels: TakeOverLabels,
    verify_email: VerifyEmail,
    deactivate_api_keys: DeactivateApiKeys,
) -> Mapping[str, Reaction]:
    """A reaction for each event of `shared.contracts.topology.RESOURCE`."""

    async def keep(event: ReceivedEvent) -> None:
        await keep_user(User.of(event.snapshot))

    take_over = once(database, take_over_labels)

    async def keep_new(event: ReceivedEvent) -> None:
        await (take_over if "labels" in event.snapshot else keep)(event)

    return {
        "model.user.created": keep_new,
        "model.user.updated": once(database, deactivate_api_keys),
        "system.user.email.confirmed": once(database, verify_email),
    }
