"""The events of second factors."""

from shared.contracts.activities import Client
from shared.contracts.events import Event
from shared.contracts.users import User


def codes_guessed(user: User, domain: str, client: Client) -> Event:
    """Somebody with the user's password or session sent wrong codes, the last from `client`."""
    return Event(
        name="system.user.otp.guessed",
        record={
            "user": user.to_event(),
            "domain": domain,
            "user_ip": str(client.ip),
            "user_agent": client.user_agent,
        },
        snapshot=user.to_internal(),
    )
