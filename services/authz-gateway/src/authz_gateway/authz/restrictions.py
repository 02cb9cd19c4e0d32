"""Refuses clients whose addresses are restricted."""

from shared.contracts.policy import Restriction
from shared.errors import Forbidden
from shared.policy.places import Places
from shared.policy.restrictions import CompiledRestrictions
from shared.values.addresses import Address


class Restricted(Forbidden):
    """A restriction matches the client's address; the client gets the restriction's status."""

    def __init__(self, restriction: Restriction) -> None:
        super().__init__((f"authz.restrict.{restriction.category}",))
        self.status = restriction.code


def require_unrestricted(
    restrictions: CompiledRestrictions, address: Address, places: Places
) -> None:
    """Raises `Restricted` when a restriction matches the address."""
    refusal = restrictions.refusal(address, places)
    if refusal is not None:
        raise Restricted(refusal)
