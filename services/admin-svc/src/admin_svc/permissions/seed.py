"""Seeding permissions: what the file names and the table lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

from admin_svc.audit.models import SEED
from admin_svc.permissions import store
from admin_svc.permissions.file import identity
from admin_svc.policy.change import ChangePolicy
from shared.contracts.policy import Permission


@dataclass(frozen=True, slots=True)
class SeedPermissions:
    """Adds missing permissions; it changes and removes none."""

    change_policy: ChangePolicy

    async def __call__(self, rules: Sequence[Permission]) -> int:
        """How many were added: all that were missing, or none when it raises."""
        async with self.change_policy(SEED) as change:
            present = {identity(rule) for rule in await store.select_rules(change.connection)}
            missing = [rule for rule in rules if identity(rule) not in present]
            for rule in missing:
                added = await store.insert_permission(change.connection, rule)
                change.tell(added.event("created"))
        return len(missing)
