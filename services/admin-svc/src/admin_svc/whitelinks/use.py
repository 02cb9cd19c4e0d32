"""Using a whitelink."""

from dataclasses import dataclass

from admin_svc.audit.models import WHITELINK
from admin_svc.restrictions.add import AddRestriction
from admin_svc.restrictions.record import RestrictionRecord
from admin_svc.restrictions.rules import terms
from admin_svc.whitelinks import store
from admin_svc.whitelinks.rules import WhitelinkNotFound, digest
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class UseWhitelink:
    """Lets the calls from an address pass, for whoever has a whitelink's token.

    A token serves any number of addresses until it expires.
    """

    database: Database
    add_restriction: AddRestriction

    async def __call__(self, token: str, address: str) -> RestrictionRecord:
        """The restriction that whitelists the address.

        Raises `WhitelinkNotFound`, `InvalidValue` or `ValueTaken`.
        """
        async with self.database.connection() as connection:
            if not await store.is_alive(connection, digest(token)):
                raise WhitelinkNotFound
        whitelisted = terms(category="whitelist", scope="ip", value=address)
        return await self.add_restriction(WHITELINK, whitelisted)
