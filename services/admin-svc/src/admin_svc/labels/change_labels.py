"""Labels of users, as administrators change them."""

from dataclasses import dataclass

from admin_svc.audit.models import Actor
from admin_svc.users.change_attachment import ChangeAttachment
from shared.clients.resource import ResourceClient
from shared.contracts.administration import ChangedAttachment


@dataclass(frozen=True, slots=True)
class ChangeLabels:
    """State and level follow from private labels before this answers.

    Everything raises `UserNotFound`, or `Invalid` where the actor may not change the user.
    """

    resource: ResourceClient
    change_attachment: ChangeAttachment

    async def add(
        self, actor: Actor, uid: str, scope: str, key: str, value: str, description: str | None
    ) -> ChangedAttachment:
        """The new label; raises `Invalid` with what is wrong with it."""
        wanted = {"scope": scope, "key": key, "value": value, "description": description}
        label = uid, scope, key, value, description
        return await self.change_attachment(
            *(actor, "label.created", uid, wanted),
            lambda by: self.resource.add_label(by, *label),
        )

    async def change(
        self,
        actor: Actor,
        uid: str,
        scope: str,
        key: str,
        value: str,
        description: str | None,
        *,
        or_add: bool,
    ) -> ChangedAttachment:
        """The label before and after; raises `Invalid`, or `NotFound` for one that is not there.

        With `or_add` that one is added. A description that is None stays.
        """
        wanted = {"scope": scope, "key": key, "value": value, "description": description}
        label = uid, scope, key, value, description
        return await self.change_attachment(
            *(actor, "label.updated", uid, wanted),
            lambda by: self.resource.change_label(by, *label, or_add=or_add),
        )

    async def delete(self, actor: Actor, uid: str, scope: str, key: str) -> None:
        """Raises `NotFound` for a label that is not there."""
        await self.change_attachment(
            *(actor, "label.deleted", uid, {"scope": scope, "key": key}),
            lambda by: self.resource.delete_label(by, uid, scope, key),
        )
