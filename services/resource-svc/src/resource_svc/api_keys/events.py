"""The events of API keys."""

from typing import Literal

from resource_svc.api_keys.models import ApiKey
from shared.contracts.events import Event, Record
from shared.contracts.users import User


def api_key_event(
    happening: Literal["created", "updated", "deleted"],
    key: ApiKey,
    user: User,
    changes: Record | None = None,
) -> Event:
    """What happened to an API key; its secret is in no event."""
    return Event(
        name=f"model.api_key.{happening}",
        record={"user": user.to_event(), **key.to_public()},
        changes=changes,
        snapshot={"language": user.language},
    )
