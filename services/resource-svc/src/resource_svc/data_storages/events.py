"""The events of data storages."""

from typing import Literal

from resource_svc.data_storages.models import DataStorage
from shared.contracts.events import Event
from shared.contracts.users import User

Happening = Literal["created", "deleted"]


def data_storage_event(happening: Happening, storage: DataStorage, user: User) -> Event:
    """What happened to a data storage."""
    return Event(
        name=f"model.data_storage.{happening}",
        record={"user": user.to_event(), **storage.to_public()},
        snapshot={"data_storage": storage.to_internal()},
    )
