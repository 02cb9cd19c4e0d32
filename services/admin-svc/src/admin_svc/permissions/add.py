"""Adding a permission."""

from dataclasses import dataclass

from admin_svc.audit.models import Actor
from admin_svc.permissions import store
from admin_svc.permissions.record import PermissionRecord
from admin_svc.permissions.rules import RoleDoesNotExist, checked
from admin_svc.policy.change import ChangePolicy
from shared.contracts.policy import Permission


@dataclass(frozen=True, slots=True)
class AddPermission:
    """Adds one rule to the policy."""

    change_policy: ChangePolicy

    async def __call__(self, actor: Actor, rule: Permission) -> PermissionRecord:
        """The new permission.

        Raises what `checked` raises, `RoleDoesNotExist` or `PermissionTaken`.
        """
        rule = checked(rule)
        async with self.change_policy(actor) as change:
            if not await store.role_exists(change.connection, rule.role):
                raise RoleDoesNotExist
            added = await store.insert_permission(change.connection, rule)
            change.tell(added.event("created"))
        return added
