"""Removing a restriction."""

from dataclasses import dataclass

from admin_svc.audit.models import Actor
from admin_svc.policy.change import ChangePolicy
from admin_svc.restrictions import store
from admin_svc.restrictions.lockout import Lockout
from admin_svc.restrictions.rules import RestrictionNotFound
from shared.web.client_address import Address


@dataclass(frozen=True, slots=True)
class RemoveRestriction:
    """Removes one restriction from the policy."""

    change_policy: ChangePolicy
    lockout: Lockout

    async def __call__(
        self, actor: Actor, restriction_id: int, address: Address | None = None
    ) -> None:
        """Raises `RestrictionNotFound`; without a whitelist `LocksOutActor`, too."""
        async with (
            self.change_policy(actor) as change,
            self.lockout.refused(change.connection, address),
        ):
            removed = await store.delete_restriction(change.connection, restriction_id)
            if removed is None:
                raise RestrictionNotFound
            change.tell(removed.event("deleted"))
