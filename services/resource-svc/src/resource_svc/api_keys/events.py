"""The events of API keys."""

from typing import Literal

from resource_svc.api_keys.models import ApiKey
from shared.contracts.catalogue import API_KEYS
from shared.contracts.events import Event, Record
from shared.contracts.records import ApiKeyRecord
from shared.contracts.users import User


def api_key_event(
    happening: Literal["created", "updated", "deleted"],
    key: ApiKey,
    user: User,
    changes: Record | None = None,
) -> Event:
    """What happened to an API key; its secret is in no event."""
    record = ApiKeyRecord(user=user.to_event(), **key.to_public())
    return API_KEYS[happening].event(record, changes=changes, snapshot={"language": user.language})
