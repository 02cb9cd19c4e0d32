"""The event of a log-in."""

from identity_svc.sessions.models import Origin
from shared.contracts.activities import Client
from shared.contracts.catalogue import SESSION_CREATED
from shared.contracts.events import Event
from shared.contracts.records import LoginRecord
from shared.contracts.users import User


def session_created(user: User, client: Client, origin: Origin) -> Event:
    """Somebody logged in, from a device or a network that may be new to the account."""
    record = LoginRecord(
        user=user.to_event(),
        user_ip=str(client.ip),
        user_agent=client.user_agent,
        new_device=origin.new_device,
        new_network=origin.new_network,
    )
    return SESSION_CREATED.event(record, snapshot=user.to_internal())
