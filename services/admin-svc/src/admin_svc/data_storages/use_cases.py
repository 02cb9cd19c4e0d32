"""Deleting data storages of users, at resource-svc."""

from dataclasses import dataclass

from admin_svc.audit.models import Actor
from admin_svc.core import Core
from admin_svc.users.use_cases import Users
from shared.clients.resource import ResourceClient


@dataclass(frozen=True, slots=True)
class DataStorages:
    """Data storages that administrators delete."""

    users: Users
    resource: ResourceClient

    async def delete(self, actor: Actor, uid: str, title: str) -> None:
        """Deletes a data storage; its user may record another under the same title.

        Raises `NotFound` for an unknown title, `UserNotFound`, or `Invalid` where the actor may
        not change the user.
        """
        await self.users.change_attachment(
            *(actor, "data_storage.deleted", uid, {"title": title}),
            lambda by: self.resource.delete_data_storage(by, uid, title),
        )


def build(core: Core, users: Users) -> DataStorages:
    """Wires the feature."""
    return DataStorages(users, core.resource)
