"""What webhooks-svc does on the events it subscribes to."""

from collections.abc import Mapping

from shared.contracts.topology import WEBHOOKS
from shared.database.pool import Database
from shared.messaging.inbox import Reaction, once
from webhooks_svc.deliveries.use_cases import Deliveries

_ERASED = "system.user.erased"


def reactions(database: Database, deliveries: Deliveries) -> Mapping[str, Reaction]:
    """A reaction for each event of `shared.contracts.topology.WEBHOOKS`."""
    accept = once(database, deliveries.accept)
    return {**dict.fromkeys(WEBHOOKS.events, accept), _ERASED: once(database, deliveries.forget)}
