"""The events of data storages."""

from typing import Literal

from resource_svc.data_storages.models import DataStorage
from shared.contracts.catalogue import DATA_STORAGES
from shared.contracts.events import Event
from shared.contracts.records import DataStorageRecord
from shared.contracts.users import User

Happening = Literal["created", "deleted"]


def data_storage_event(happening: Happening, storage: DataStorage, user: User) -> Event:
    """What happened to a data storage."""
    record = DataStorageRecord(user=user.to_event(), **storage.to_public())
    return DATA_STORAGES[happening].event(record, snapshot={"data_storage": storage.to_internal()})
