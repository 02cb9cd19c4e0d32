"""The events of second factors."""

from shared.contracts.activities import Client
from shared.contracts.catalogue import OTP_GUESSED
from shared.contracts.events import Event
from shared.contracts.records import GuessRecord
from shared.contracts.users import User


def codes_guessed(user: User, domain: str, client: Client) -> Event:
    """Somebody with the user's password or session sent wrong codes, the last from `client`."""
    return OTP_GUESSED.event(
        GuessRecord(
            user=user.to_event(),
            domain=domain,
            user_ip=str(client.ip),
            user_agent=client.user_agent,
        ),
        snapshot=user.to_internal(),
    )
