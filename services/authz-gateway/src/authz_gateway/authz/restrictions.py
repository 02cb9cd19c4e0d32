"""Refuses callers whose addresses are kept out."""

from shared.contracts.policy import Restriction
from shared.errors import Forbidden
from shared.policy.places import Places
from shared.policy.restrictions import CompiledRestrictions
from shared.values.addresses import Address


class Restricted(Forbidden):
    """A restriction matches the caller's address; its own status is what the client sees."""

    def __init__(self, restriction: Restriction) -> None:
        super().__init__((f"authz.restrict.{restriction.category}",))
        self.status = restriction.code


def require_unrestricted(
    restrictions: CompiledRestrictions, address: Address, places: Places
) -> None:
    """Raises `Restricted` for an address that is kept out."""
    refusal = restrictions.refusal(address, places)
    if refusal is not None:
        raise Restricted(refusal)
