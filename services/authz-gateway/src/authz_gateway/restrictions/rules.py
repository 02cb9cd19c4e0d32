"""Whether anyone may call from somewhere."""

from authz_gateway.restrictions.compiled import CompiledRestrictions
from authz_gateway.restrictions.errors import Restricted
from authz_gateway.restrictions.places import Places
from shared.web.client_address import Address


def require_unrestricted(
    restrictions: CompiledRestrictions, address: Address, places: Places
) -> None:
    """Raises `Restricted` for an address that is kept out."""
    match = restrictions.first_match(address, places)
    if match is not None and match.category != "whitelist":
        raise Restricted(match)
