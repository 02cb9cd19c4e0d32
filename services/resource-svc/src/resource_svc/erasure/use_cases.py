"""Erases users whom identity-svc has erased."""

from dataclasses import dataclass

from resource_svc.api_keys.use_cases import ApiKeys
from resource_svc.core import Core
from resource_svc.data_storages.use_cases import DataStorages
from resource_svc.documents.use_cases import Documents
from resource_svc.labels.use_cases import Labels
from resource_svc.phones.use_cases import Phones
from resource_svc.profiles.use_cases import Profiles
from resource_svc.users.use_cases import Users
from shared.contracts.events import ReceivedEvent
from shared.database.pool import Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Erasure:
    """Erases everything about a user."""

    database: Database
    outbox: Outbox
    users: Users
    api_keys: ApiKeys
    labels: Labels
    profiles: Profiles
    phones: Phones
    documents: Documents
    data_storages: DataStorages

    async def erase(self, event: ReceivedEvent) -> None:
        """The reaction to `system.user.erased`, which may be repeated.

        A tombstone replaces the user; it is newer than every late event about them. The files of
        documents are discarded after the commit, or by the next sweep.
        """
        uid = str(event.record["uid"])
        async with self.database.transaction() as connection:
            await self.users.erase(connection, uid, event.issued_at)
            await self.api_keys.erase(connection, uid)
            await self.data_storages.erase(connection, uid)
            await self.labels.erase(connection, uid)
            await self.phones.erase(connection, uid)
            await self.profiles.erase(connection, uid)
            await self.outbox.forget(connection, uid)
            files = await self.documents.erase(connection, uid)
        await self.documents.uploads.discard(files)


def build(
    core: Core,
    users: Users,
    api_keys: ApiKeys,
    labels: Labels,
    profiles: Profiles,
    phones: Phones,
    documents: Documents,
    data_storages: DataStorages,
) -> Erasure:
    """The use cases of erasure."""
    return Erasure(
        core.database,
        core.outbox,
        users,
        api_keys,
        labels,
        profiles,
        phones,
        documents,
        data_storages,
    )
