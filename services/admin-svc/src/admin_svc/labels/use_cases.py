"""Changing labels of users, at resource-svc."""

from dataclasses import dataclass

from admin_svc.audit.models import Actor
from admin_svc.core import Core
from admin_svc.users.use_cases import Users
from shared.clients.resource import ResourceClient
from shared.contracts.administration import ChangedAttachment


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels that administrators give to users.

    State and level follow from private labels before these methods return. All of them raise
    `UserNotFound`, or `Invalid` where the actor may not change the user.
    """

    users: Users
    resource: ResourceClient

    async def create(
        self, actor: Actor, uid: str, scope: str, key: str, value: str, description: str | None
    ) -> ChangedAttachment:
        """Adds a label; raises `Invalid` with its faults."""
        wanted = {"scope": scope, "key": key, "value": value, "description": description}
        label = uid, scope, key, value, description
        return await self.users.change_attachment(
            *(actor, "label.created", uid, wanted),
            lambda by: self.resource.add_label(by, *label),
        )

    async def update(
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
        """Gives a label another value; a description that is None stays.

        With `or_add`, a missing label is added; otherwise it raises `NotFound`. Raises `Invalid`
        with the label's faults.
        """
        wanted = {"scope": scope, "key": key, "value": value, "description": description}
        label = uid, scope, key, value, description
        return await self.users.change_attachment(
            *(actor, "label.updated", uid, wanted),
            lambda by: self.resource.change_label(by, *label, or_add=or_add),
        )

    async def delete(self, actor: Actor, uid: str, scope: str, key: str) -> None:
        """Deletes a label; raises `NotFound` for a missing one."""
        await self.users.change_attachment(
            *(actor, "label.deleted", uid, {"scope": scope, "key": key}),
            lambda by: self.resource.delete_label(by, uid, scope, key),
        )


def build(core: Core, users: Users) -> Labels:
    """Wires the feature."""
    return Labels(users, core.resource)
