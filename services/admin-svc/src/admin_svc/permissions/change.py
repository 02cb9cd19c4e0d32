"""Changing a permission."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from admin_svc.audit.models import Actor
from admin_svc.permissions import store
from admin_svc.permissions.record import PermissionRecord
from admin_svc.permissions.rules import PermissionNotFound, RoleDoesNotExist, checked
from admin_svc.policy.change import ChangePolicy


@dataclass(frozen=True, slots=True)
class ChangePermission:
    """Changes one rule of the policy."""

    change_policy: ChangePolicy

    async def __call__(
        self, actor: Actor, permission_id: int, given: Mapping[str, str]
    ) -> PermissionRecord:
        """The permission as it is now; `given` are the values to set, by field.

        What is given and already so makes no new version and no event. Raises
        `PermissionNotFound`, what `checked` raises, `RoleDoesNotExist` or `PermissionTaken`.
        """
        async with self.change_policy(actor) as change:
            before = await store.select_permission(change.connection, permission_id)
            if before is None:
                raise PermissionNotFound
            rule = checked(replace(before.rule, **given))
            if rule == before.rule:
                return before
            if not await store.role_exists(change.connection, rule.role):
                raise RoleDoesNotExist
            after = await store.update_permission(change.connection, permission_id, rule)
            change.tell(after.event("updated", _replaced(before, after)))
        return after


def _replaced(before: PermissionRecord, after: PermissionRecord) -> dict[str, str | None]:
    now = asdict(after.rule)
    return {name: value for name, value in asdict(before.rule).items() if value != now[name]}
