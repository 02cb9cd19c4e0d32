"""What resource-svc does on the events it subscribes to."""

from collections.abc import Mapping
from contextlib import suppress

from resource_svc.api_keys.use_cases import ApiKeys
from resource_svc.erasure.use_cases import Erasure
from resource_svc.labels.use_cases import Labels
from resource_svc.second_factor.use_cases import SecondFactor
from resource_svc.users.models import UserErased
from resource_svc.users.use_cases import Users
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import User
from shared.database.pool import Connection, Database
from shared.messaging.inbox import Reaction, once


def reactions(
    database: Database,
    users: Users,
    labels: Labels,
    api_keys: ApiKeys,
    second_factor: SecondFactor,
    erasure: Erasure,
) -> Mapping[str, Reaction]:
    """A reaction for each event of `shared.contracts.topology.RESOURCE`."""
    import_labels = once(database, labels.import_labels)

    async def created(event: ReceivedEvent) -> None:
        if "labels" in event.snapshot:
            await import_labels(event)
        else:
            await users.upsert(User.of(event.snapshot))

    async def updated(connection: Connection, event: ReceivedEvent) -> None:
        await api_keys.deactivate_after(connection, event)
        await second_factor.label(connection, event)

    async def confirmed(connection: Connection, event: ReceivedEvent) -> None:
        await labels.verify_email(connection, event)
        await api_keys.end_all_after(connection, event)

    return {
        "model.user.created": _unless_erased(created),
        "model.user.updated": _unless_erased(once(database, updated)),
        "system.user.email.confirmed": _unless_erased(once(database, confirmed)),
        "system.user.password.reset": _unless_erased(once(database, api_keys.end_all_after)),
        "system.user.erased": erasure.erase,
    }


def _unless_erased(reaction: Reaction) -> Reaction:
    """The reaction, which ignores events that are late or repeated and about erased users."""

    async def react(event: ReceivedEvent) -> None:
        with suppress(UserErased):
            await reaction(event)

    return react
