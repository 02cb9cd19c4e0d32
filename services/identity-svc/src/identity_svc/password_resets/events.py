"""The events of password resets."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.events import Event
from shared.contracts.users import User


def reset_token(user: User, domain: str, token: str) -> Event:
    """A mail with this token is to be sent."""
    return Event(
        name="system.user.password.reset.token",
        record={"user": user.to_event(), "domain": domain},
        snapshot=user.to_internal(),
        secrets={"token": token},
    )


def password_reset(user: User, domain: str, besides: Mapping[str, Any]) -> Event:
    """Somebody who reads the user's mail set a new password; `besides` is for our own services."""
    return Event(
        name="system.user.password.reset",
        record={"user": user.to_event(), "domain": domain},
        snapshot={**user.to_internal(), **besides},
    )
