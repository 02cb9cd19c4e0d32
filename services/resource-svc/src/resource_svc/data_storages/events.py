"""The events of data storages."""

from typing import Literal

from resource_svc.data_storages.data_storage import DataStorage
from shared.contracts.events import Event
from shared.contracts.users import User

Happening = Literal["created", "deleted"]


def data_storage_event(happening: Happening, storage: DataStorage, user: User) -> Event:
    """What happened to a data storage."""
    return Event(
        name=f"model.data_storage.{happening}",
        record={"user": user.event_record(), **storage.model()},
        snapshot={"data_storage": storage.snapshot()},
    )
