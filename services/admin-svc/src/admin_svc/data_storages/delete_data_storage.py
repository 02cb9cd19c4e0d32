"""Deletes a user's data storage."""

from dataclasses import dataclass

from admin_svc.audit.author import Author
from admin_svc.audit.record import RecordAttempt
from admin_svc.directory.keeping.refresh import RefreshUser
from admin_svc.users.find_subject import FindSubject
from shared.clients.resource import ResourceClient
from shared.errors import NotFound


class DataStorageNotFound(NotFound):
    """The user has no data storage with this title."""

    codes = ("admin.storage.doesnt_exist",)


@dataclass(frozen=True, slots=True)
class DeleteDataStorage:
    """Its user may record another under the same title."""

    resource: ResourceClient
    find_subject: FindSubject
    record: RecordAttempt
    refresh: RefreshUser

    async def __call__(self, author: Author, uid: str, title: str) -> None:
        """Raises what `FindSubject` raises, or `DataStorageNotFound`."""
        await self.find_subject(author, uid)
        async with self.record(author, "data_storage.deleted", uid, {"title": title}) as attempt:
            try:
                before = await self.resource.delete_data_storage(uid, title)
            except NotFound:
                raise DataStorageNotFound from None
            attempt.done(before=before, after=None)
        await self.refresh(uid)
