"""Changing a restriction."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from admin_svc.audit.models import Actor
from admin_svc.policy.change import ChangePolicy
from admin_svc.restrictions import store
from admin_svc.restrictions.lockout import Lockout
from admin_svc.restrictions.record import RestrictionRecord
from admin_svc.restrictions.rules import RestrictionNotFound, Terms, terms
from shared.web.client_address import Address


@dataclass(frozen=True, slots=True)
class ChangeRestriction:
    """Changes one restriction of the policy."""

    change_policy: ChangePolicy
    lockout: Lockout

    async def __call__(
        self,
        actor: Actor,
        restriction_id: int,
        given: Mapping[str, Any],
        address: Address | None = None,
    ) -> RestrictionRecord:
        """The restriction as it is now; `given` are the values to set, by field.

        What is given and already so makes no new version and no event. Raises
        `RestrictionNotFound`, `InvalidValue`, `ValueTaken` or `LocksOutActor`.
        """
        async with (
            self.change_policy(actor) as change,
            self.lockout.refused(change.connection, address),
        ):
            before = await store.select_restriction(change.connection, restriction_id)
            if before is None:
                raise RestrictionNotFound
            wanted = terms(**{**asdict(before.terms), **given})
            if wanted == before.terms:
                return before
            after = await store.update_restriction(change.connection, restriction_id, wanted)
            change.tell(after.event("updated", _replaced(before.terms, wanted)))
        return after


def _replaced(before: Terms, after: Terms) -> dict[str, Any]:
    now = asdict(after)
    return {name: value for name, value in asdict(before).items() if value != now[name]}
