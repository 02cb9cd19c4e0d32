"""The events of confirmations."""

from shared.contracts.events import Event
from shared.contracts.users import User


def confirmation_token(user: User, domain: str, token: str) -> Event:
    """A mail is to be sent with this token."""
    return Event(
        name="system.user.email.confirmation.token",
        record={"user": user.event_record(), "domain": domain},
        snapshot=user.snapshot(),
        secrets={"token": token},
    )


def email_confirmed(user: User, domain: str) -> Event:
    """A user has shown that he reads his mail."""
    return Event(
        name="system.user.email.confirmed",
        record={"user": user.event_record(), "domain": domain},
        snapshot=user.snapshot(),
    )
