"""The events of confirmations."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.catalogue import CONFIRMATION_TOKEN, EMAIL_CONFIRMED
from shared.contracts.events import Event
from shared.contracts.records import TokenRecord, UserAndDomain
from shared.contracts.users import User


def confirmation_token(user: User, domain: str, token: str) -> Event:
    """The event for a mail with this token."""
    return CONFIRMATION_TOKEN.event(
        TokenRecord(user=user.to_event(), domain=domain, token=token),
        snapshot=user.to_internal(),
    )


def email_confirmed(
    user: User, confirmed: User, domain: str, besides: Mapping[str, Any] | None = None
) -> Event:
    """Users have shown that they read their mail; `confirmed` is the user with the label.

    The label is written on this event. The record, for subscribers, shows its effect already, as
    Barong's does. The snapshot, for replicas, shows the user before it; `besides` is added to it,
    for our own services.
    """
    return EMAIL_CONFIRMED.event(
        UserAndDomain(user=confirmed.to_event(), domain=domain),
        snapshot={**user.to_internal(), **(besides or {})},
    )
