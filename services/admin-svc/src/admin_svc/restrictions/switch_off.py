"""The way back in for who is locked out: switches restrictions off."""

from collections.abc import Sequence
from dataclasses import dataclass

from admin_svc.audit.models import BREAK_GLASS
from admin_svc.policy.change import ChangePolicy
from admin_svc.restrictions import store
from admin_svc.restrictions.lockout import Lockout
from admin_svc.restrictions.record import RestrictionRecord
from shared.web.client_address import Address


@dataclass(frozen=True, slots=True)
class SwitchOff:
    """Disables what keeps callers out; whitelists stay. Gateways and the audit trail are told."""

    change_policy: ChangePolicy
    lockout: Lockout

    async def __call__(self, address: Address | None) -> Sequence[RestrictionRecord]:
        """What was switched off: all that there is, or what keeps one address out."""
        async with self.change_policy(BREAK_GLASS) as change:
            if address is None:
                switched = await store.disable_all(change.connection)
            else:
                switched = []
                while rule := await self.lockout.refusal(change.connection, address):
                    switched.append(await store.disable(change.connection, rule))
            for restriction in switched:
                change.tell(restriction.event("updated", {"state": "enabled"}))
        return switched
