"""Collects what a user has attached to himself, from the rooms that keep it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from resource_svc.data_storages.list_data_storages import ListDataStorages
from resource_svc.labels.list_labels import ListLabels
from resource_svc.phones.list_phones import ListPhones
from resource_svc.profiles.list_profiles import ListProfiles


@dataclass(frozen=True, slots=True)
class CollectAttachments:
    """Everything that `UserWithFullInfo` shows besides the user."""

    list_labels: ListLabels
    list_phones: ListPhones
    list_profiles: ListProfiles
    list_data_storages: ListDataStorages

    async def __call__(self, uid: str) -> Mapping[str, Any]:
        """Lists of public models by name; empty ones for a user that nobody knows."""
        return {
            "labels": [label.model() for label in await self.list_labels(uid)],
            "phones": [phone.model() for phone in await self.list_phones(uid)],
            "profiles": [profile.model() for profile in await self.list_profiles(uid)],
            "data_storages": [each.model() for each in await self.list_data_storages(uid)],
        }
