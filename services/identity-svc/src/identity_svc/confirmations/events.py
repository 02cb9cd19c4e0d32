"""The events of confirmations."""

from collections.abc import Mapping
from typing import Any

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


def email_confirmed(
    user: User, confirmed: User, domain: str, besides: Mapping[str, Any] | None = None
) -> Event:
    """A user has shown that they read their mail; `confirmed` is what they become by it.

    `besides` is for our own services.

    The label that makes him so is written on this very event. Subscribers are told of its effect,
    as by Barong, replicas only of what is true already.
    """
    return Event(
        name="system.user.email.confirmed",
        record={"user": confirmed.event_record(), "domain": domain},
        snapshot={**user.snapshot(), **(besides or {})},
    )
