"""The event of a log-in."""

from shared.contracts.activities import Client
from shared.contracts.events import Event
from shared.contracts.users import User


def session_created(user: User, client: Client) -> Event:
    """Somebody logged in."""
    return Event(
        name="system.session.create",
        record={
            "user": user.to_event(),
            "user_ip": str(client.ip),
            "user_agent": client.user_agent,
        },
    )
