"""Reading, trying out and changing permissions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from admin_svc.audit.models import SEED, Actor
from admin_svc.core import Core
from admin_svc.permissions import store
from admin_svc.permissions.events import permission_event
from admin_svc.permissions.models import (
    RoleDoesNotExist,
    StoredPermission,
    Trial,
    called_path,
    called_verb,
    checked,
    identity,
)
from admin_svc.policy.models import replaced
from admin_svc.policy.use_cases import GatewayPolicy, PolicyChange
from shared.contracts.policy import Permission
from shared.database.pool import Database
from shared.policy.permissions import CompiledPermissions, verdict_of


@dataclass(frozen=True, slots=True)
class Permissions:
    """Who may do what."""

    database: Database
    policy: GatewayPolicy

    async def list_page(self, limit: int, offset: int) -> tuple[list[StoredPermission], int]:
        """One page of permissions, the oldest first, and the number of all."""
        async with self.database.connection() as connection:
            page = await store.TABLE.page(connection, limit, offset)
            return page, await store.TABLE.count(connection)

    async def list_of_role(self, role: str) -> list[Permission]:
        """The permissions of a role, the oldest first."""
        async with self.database.connection() as connection:
            return [stored.rule for stored in await store.select_of_role(connection, role)]

    async def try_out(
        self, role: str, verb: str, path: str, candidates: Sequence[Permission] | None
    ) -> Trial:
        """What the permissions decide about a call, or the `candidates` in their place.

        Gateways decide by the same code. Nothing is changed, and routes and restrictions are left
        out. Raises `InvalidVerb`, `InvalidPath` or `InvalidAction`.
        """
        verb, path = called_verb(verb), called_path(path)
        if candidates is not None:
            rules = CompiledPermissions(map(checked, candidates)).matching(role, verb, path)
            return Trial(path, verdict_of(rules), rules, ())
        async with self.database.connection() as connection:
            stored = await store.select_of_role(connection, role)
        by_rule = {permission.rule: permission for permission in stored}
        rules = CompiledPermissions(by_rule).matching(role, verb, path)
        return Trial(path, verdict_of(rules), rules, [by_rule[rule] for rule in rules])

    async def role_exists(self, role: str) -> bool:
        """Whether a permission names the role, in exactly this case."""
        async with self.database.connection() as connection:
            return await store.role_exists(connection, role)

    async def create(self, actor: Actor, rule: Permission) -> StoredPermission:
        """Adds a permission.

        Raises what `checked` raises, `RoleDoesNotExist` or `PermissionTaken`.
        """
        rule = checked(rule)
        async with self.policy.change(actor) as change:
            await self._check_role(change, rule)
            return await self._insert(change, rule)

    async def update(
        self, actor: Actor, permission_id: int, given: Mapping[str, str]
    ) -> StoredPermission:
        """Sets the given fields of a permission.

        Where they are so already, there is no new version and no event. Raises
        `PermissionNotFound`, what `checked` raises, `RoleDoesNotExist` or `PermissionTaken`.
        """
        async with self.policy.change(actor) as change:
            before = await store.TABLE.get(change.connection, permission_id)
            rule = checked(replace(before.rule, **given))
            if rule == before.rule:
                return before
            await self._check_role(change, rule)
            after = await store.TABLE.update(change.connection, permission_id, rule)
            change.publish(permission_event(after, "updated", replaced(before.rule, rule)))
        return after

    async def delete(self, actor: Actor, permission_id: int) -> None:
        """Deletes a permission; raises `PermissionNotFound`."""
        async with self.policy.change(actor) as change:
            deleted = await store.TABLE.delete(change.connection, permission_id)
            change.publish(permission_event(deleted, "deleted"))

    async def seed(self, rules: Sequence[Permission]) -> int:
        """Adds the permissions that are missing, all or none; returns their number.

        It changes and deletes none.
        """
        async with self.policy.change(SEED) as change:
            present = {identity(rule) for rule in await store.select_rules(change.connection)}
            missing = [rule for rule in rules if identity(rule) not in present]
            for rule in missing:
                await self._insert(change, rule)
        return len(missing)

    async def _check_role(self, change: PolicyChange, rule: Permission) -> None:
        if not await store.role_exists(change.connection, rule.role):
            raise RoleDoesNotExist

    async def _insert(self, change: PolicyChange, rule: Permission) -> StoredPermission:
        created = await store.TABLE.insert(change.connection, rule)
        change.publish(permission_event(created, "created"))
        return created


def build(core: Core, policy: GatewayPolicy) -> Permissions:
    """Wires the feature."""
    return Permissions(core.database, policy)
