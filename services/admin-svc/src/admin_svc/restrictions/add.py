"""Adding a restriction."""

from dataclasses import dataclass

from admin_svc.audit.models import Actor
from admin_svc.policy.change import ChangePolicy
from admin_svc.restrictions import store
from admin_svc.restrictions.lockout import Lockout
from admin_svc.restrictions.record import RestrictionRecord
from admin_svc.restrictions.rules import Terms
from shared.web.client_address import Address


@dataclass(frozen=True, slots=True)
class AddRestriction:
    """Adds one restriction to the policy."""

    change_policy: ChangePolicy
    lockout: Lockout

    async def __call__(
        self, actor: Actor, terms: Terms, address: Address | None = None
    ) -> RestrictionRecord:
        """The new restriction; raises `ValueTaken`, or `LocksOutActor`, who calls from `address`.

        Here and in the other changes: without an address nobody is at risk.
        """
        async with (
            self.change_policy(actor) as change,
            self.lockout.refused(change.connection, address),
        ):
            added = await store.insert_restriction(change.connection, terms)
            change.tell(added.event("created"))
        return added
