"""What resource-svc does on the events it subscribes to."""

from collections.abc import Mapping
from contextlib import suppress

from resource_svc.api_keys.deactivate_api_keys import DeactivateApiKeys
from resource_svc.api_keys.end_api_keys import EndApiKeys
from resource_svc.erasure.erase_user import EraseUser
from resource_svc.labels.take_over_labels import TakeOverLabels
from resource_svc.labels.verify_email import VerifyEmail
from resource_svc.second_factor.use_cases import SecondFactor
from resource_svc.users.errors import UserErased
from resource_svc.users.keep_user import KeepUser
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.inbox import Reaction, once


def reactions(
    database: Database,
    keep_user: KeepUser,
    take_over_labels: TakeOverLabels,
    verify_email: VerifyEmail,
    deactivate_api_keys: DeactivateApiKeys,
    end_api_keys: EndApiKeys,
    second_factor: SecondFactor,
    erase_user: EraseUser,
) -> Mapping[str, Reaction]:
    """A reaction for each event of `shared.contracts.topology.RESOURCE`."""

    async def keep(event: ReceivedEvent) -> None:
        await keep_user(User.of(event.snapshot))

    take_over = once(database, take_over_labels)

    async def keep_new(event: ReceivedEvent) -> None:
        await (take_over if "labels" in event.snapshot else keep)(event)

    async def follow(connection: Connection, event: ReceivedEvent) -> None:
        await deactivate_api_keys(connection, event)
        await second_factor.label(connection, event)

    async def confirmed(connection: Connection, event: ReceivedEvent) -> None:
        await verify_email(connection, event)
        await end_api_keys(connection, event)

    return {
        "model.user.created": _of_the_living(keep_new),
        "model.user.updated": _of_the_living(once(database, follow)),
        "system.user.email.confirmed": _of_the_living(once(database, confirmed)),
        "system.user.password.reset": _of_the_living(once(database, end_api_keys)),
        "system.user.erased": erase_user,
    }


def _of_the_living(reaction: Reaction) -> Reaction:
    """The reaction, but to what is told late, or again, of users who are erased."""

    async def react(event: ReceivedEvent) -> None:
        with suppress(UserErased):
            await reaction(event)

    return react
