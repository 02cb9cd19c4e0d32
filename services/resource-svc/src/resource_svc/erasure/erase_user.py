"""Forgets a user whom identity-svc has erased."""

from collections.abc import Sequence
from dataclasses import dataclass

from resource_svc.api_keys import store as api_keys
from resource_svc.data_storages import store as data_storages
from resource_svc.documents.use_cases import Documents
from resource_svc.labels import store as labels
from resource_svc.phones import store as phones
from resource_svc.profiles import store as profiles
from resource_svc.users import store as users
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import erased_user
from shared.database.pool import Connection, Database
from shared.messaging.outbox import Outbox


@dataclass(frozen=True, slots=True)
class EraseUser:
    """The reaction to `system.user.erased`, which may be repeated.

    In place of the user stays a mark that is newer than whatever is still told of him. His files
    become pending uploads in the transaction that erases him: what is not discarded at once, the
    sweep discards.
    """

    database: Database
    outbox: Outbox
    documents: Documents

    async def __call__(self, event: ReceivedEvent) -> None:
        """Erases the user that the event names."""
        uid = str(event.record["uid"])
        async with self.database.transaction() as connection:
            await users.keep_newer(connection, erased_user(uid, event.issued_at))
            files = await self._erase(connection, uid)
        await self.documents.uploads.discard(files)

    async def _erase(self, connection: Connection, uid: str) -> Sequence[str]:
        for room in (api_keys, data_storages, labels, phones, profiles):
            await room.erase(connection, uid)
        await self.outbox.forget(connection, uid)
        return await self.documents.erase(connection, uid)
