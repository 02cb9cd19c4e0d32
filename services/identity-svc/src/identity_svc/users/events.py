"""The events of accounts."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.events import Event, without_nulls
from shared.contracts.users import User


def user_created(user: User) -> Event:
    """There is a new user."""
    return Event(
        name="model.user.created",
        record=without_nulls(user.to_event()),
        snapshot=user.to_internal(),
    )


def user_updated(user: User, changes: Mapping[str, Any]) -> Event:
    """A user changed; `changes` are the old values of what the record shows."""
    return Event(
        name="model.user.updated",
        record=without_nulls(user.to_event()),
        changes=changes,
        snapshot=user.to_internal(),
    )
