"""The events of password resets."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.catalogue import PASSWORD_RESET, PASSWORD_RESET_TOKEN
from shared.contracts.events import Event
from shared.contracts.records import TokenRecord, UserAndDomain
from shared.contracts.users import User


def reset_token(user: User, domain: str, token: str) -> Event:
    """The event for a mail with this token."""
    return PASSWORD_RESET_TOKEN.event(
        TokenRecord(user=user.to_event(), domain=domain, token=token),
        snapshot=user.to_internal(),
    )


def password_reset(user: User, domain: str, besides: Mapping[str, Any]) -> Event:
    """Somebody who reads the user's mail set a new password; `besides` is for our own services."""
    return PASSWORD_RESET.event(
        UserAndDomain(user=user.to_event(), domain=domain),
        snapshot={**user.to_internal(), **besides},
    )
