"""The events of data storages."""

from resource_svc.data_storages.data_storage import DataStorage
from shared.contracts.events import Event
from shared.contracts.users import User


def data_storage_created(storage: DataStorage, user: User) -> Event:
    """A user has a data storage more."""
    return Event(
        name="model.data_storage.created",
        record={"user": user.event_record(), **storage.model()},
        snapshot={"data_storage": storage.snapshot()},
    )
