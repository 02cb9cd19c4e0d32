"""Deletes a user's data storage."""

from dataclasses import dataclass

from admin_svc.audit.models import Actor
from admin_svc.users.change_attachment import ChangeAttachment
from shared.clients.resource import ResourceClient


@dataclass(frozen=True, slots=True)
class DeleteDataStorage:
    """Its user may record another under the same title."""

    resource: ResourceClient
    change_attachment: ChangeAttachment

    async def __call__(self, actor: Actor, uid: str, title: str) -> None:
        """Raises `NotFound` for a title that is not there.

        Raises `UserNotFound`, too, or `Invalid` where the actor may not change the user.
        """
        await self.change_attachment(
            *(actor, "data_storage.deleted", uid, {"title": title}),
            lambda by: self.resource.delete_data_storage(by, uid, title),
        )
