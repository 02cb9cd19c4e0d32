"""Removing a permission."""

from dataclasses import dataclass

from admin_svc.audit.models import Actor
from admin_svc.permissions import store
from admin_svc.permissions.rules import PermissionNotFound
from admin_svc.policy.change import ChangePolicy


@dataclass(frozen=True, slots=True)
class RemovePermission:
    """Removes one rule from the policy."""

    change_policy: ChangePolicy

    async def __call__(self, actor: Actor, permission_id: int) -> None:
        """Raises `PermissionNotFound`."""
        async with self.change_policy(actor) as change:
            removed = await store.delete_permission(change.connection, permission_id)
            if removed is None:
                raise PermissionNotFound
            change.tell(removed.event("deleted"))
