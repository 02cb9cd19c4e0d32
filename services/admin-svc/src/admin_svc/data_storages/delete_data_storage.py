"""Deletes a user's data storage."""

from dataclasses import dataclass

from admin_svc.audit.author import Author
from admin_svc.users.change_attachment import ChangeAttachment
from shared.clients.resource import ResourceClient


@dataclass(frozen=True, slots=True)
class DeleteDataStorage:
    """Its user may record another under the same title."""

    resource: ResourceClient
    change_attachment: ChangeAttachment

    async def __call__(self, author: Author, uid: str, title: str) -> None:
        """Raises `NotFound` for a title that is not there.

        Raises `UserNotFound`, too, or `Invalid` where the author may not change the user.
        """
        await self.change_attachment(
            *(author, "data_storage.deleted", uid, {"title": title}),
            lambda by: self.resource.delete_data_storage(by, uid, title),
        )
