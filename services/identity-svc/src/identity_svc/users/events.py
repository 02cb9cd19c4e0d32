"""The events of accounts."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.catalogue import USERS
from shared.contracts.events import Event
from shared.contracts.users import User


def user_created(user: User) -> Event:
    """There is a new user."""
    return USERS["created"].event(user.to_model_event(), snapshot=user.to_internal())


def user_updated(user: User, changes: Mapping[str, Any]) -> Event:
    """A user changed; `changes` are the old values of what the record shows."""
    return USERS["updated"].event(
        user.to_model_event(), changes=changes, snapshot=user.to_internal()
    )
