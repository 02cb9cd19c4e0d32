"""Collects everything that the system holds about a user."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resource_svc.api_keys.list_api_keys import ListAllApiKeys
from resource_svc.data_storages.list_data_storages import ListDataStorages
from resource_svc.documents.use_cases import Documents
from resource_svc.labels.list_labels import ListLabels
from resource_svc.phones.use_cases import Phones
from resource_svc.profiles.list_profiles import ListProfiles
from shared.clients.admin import AdminClient
from shared.clients.identity import IdentityClient
from shared.web.answers import seconds

Activities = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Export:
    """What is bounded as a whole, and the activities, of which there may be any number, in pages.

    Reading the pages raises `Unavailable`.
    """

    sections: Mapping[str, Any]
    activities: AsyncIterator[Activities]


@dataclass(frozen=True, slots=True)
class CollectExport:
    """Digests, codes and secrets are left out: they are of no use to the user, only to a thief."""

    identity: IdentityClient
    admin: AdminClient
    list_labels: ListLabels
    list_profiles: ListProfiles
    phones: Phones
    documents: Documents
    list_data_storages: ListDataStorages
    list_api_keys: ListAllApiKeys

    async def __call__(self, uid: str) -> Export:
        """Raises `NotFound`, or `Unavailable` when any of it cannot be had."""
        user = await self.identity.user(uid)
        sections = {
            "user": {
                **user.model(),
                "created_at": seconds(user.created_at),
                "updated_at": seconds(user.updated_at),
            },
            "sessions": await self.identity.sessions(uid),
            "labels": [_told(each.snapshot()) for each in await self.list_labels(uid)],
            "profiles": [each.model() for each in await self.list_profiles(uid)],
            "phones": [each.model() for each in await self.phones.list(uid)],
            "documents": await self._documents(uid),
            "data_storages": [each.model() for each in await self.list_data_storages(uid)],
            "api_keys": [each.model_for_owner() for each in await self.list_api_keys(uid)],
        }
        return Export(sections, self.admin.activities(uid))

    async def _documents(self, uid: str) -> list[dict[str, Any]]:
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


def _told(snapshot: dict[str, Any]) -> dict[str, Any]:
    """A record without whose it is: it is his."""
    return {name: value for name, value in snapshot.items() if name != "uid"}
