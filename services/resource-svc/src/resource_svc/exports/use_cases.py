"""Collects everything that the system holds about a user."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resource_svc.api_keys.use_cases import ApiKeys
from resource_svc.core import Core
from resource_svc.data_storages.use_cases import DataStorages
from resource_svc.documents.use_cases import Documents
from resource_svc.labels.use_cases import Labels
from resource_svc.phones.use_cases import Phones
from resource_svc.profiles.use_cases import Profiles
from shared.clients.admin import AdminClient
from shared.clients.identity import IdentityClient
from shared.values.timestamps import seconds


@dataclass(frozen=True, slots=True)
class Export:
    """Sections of bounded size, and the activities in pages, because there may be any number.

    Reading the pages raises `Unavailable`.
    """

    sections: Mapping[str, Any]
    activities: AsyncIterator[Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Exports:
    """Leaves out digests, codes and secrets: they are of no use to the user, only to a thief."""

    identity: IdentityClient
    admin: AdminClient
    labels: Labels
    profiles: Profiles
    phones: Phones
    documents: Documents
    data_storages: DataStorages
    api_keys: ApiKeys

    async def collect(self, uid: str) -> Export:
        """Raises `NotFound`, or `Unavailable` when any of it cannot be read."""
        user = await self.identity.user(uid)
        sections = {
            "user": {
                **user.to_public(),
                "created_at": seconds(user.created_at),
                "updated_at": seconds(user.updated_at),
            },
            "sessions": await self.identity.sessions(uid),
            "passkeys": await self.identity.passkeys_of(uid),
            "linked_accounts": await self.identity.linked_accounts_of(uid),
            "recovery_codes": await self.identity.recovery_codes_of(uid),
            "trusted_devices": await self.identity.trusted_devices_of(uid),
            "labels": [_without_uid(each.to_internal()) for each in await self.labels.list(uid)],
            "profiles": [each.to_public() for each in await self.profiles.list(uid)],
            "phones": [each.to_public() for each in await self.phones.list(uid)],
            "documents": await self._documents(uid),
            "data_storages": [each.to_public() for each in await self.data_storages.list(uid)],
            "api_keys": [each.to_owner() for each in await self.api_keys.list_all(uid)],
        }
        return Export(sections, self.admin.activities(uid))

    async def _documents(self, uid: str) -> Sequence[Mapping[str, Any]]:
        documents = await self.documents.list(uid)
        links = await self.documents.links.sign([document.upload for document in documents])
        return [
            {
                **document.to_public(link),
                "metadata": document.metadata,
                "created_at": seconds(document.created_at),
                "updated_at": seconds(document.updated_at),
            }
            for document, link in zip(documents, links, strict=True)
        ]


def _without_uid(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without its user: the export has only one."""
    return {name: value for name, value in record.items() if name != "uid"}


def build(
    core: Core,
    labels: Labels,
    profiles: Profiles,
    phones: Phones,
    documents: Documents,
    data_storages: DataStorages,
    api_keys: ApiKeys,
) -> Exports:
    """The use cases of exports."""
    return Exports(
        core.identity, core.admin, labels, profiles, phones, documents, data_storages, api_keys
    )
