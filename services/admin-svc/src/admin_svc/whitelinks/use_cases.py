"""Creating and using whitelinks."""

from dataclasses import dataclass
from datetime import timedelta

from admin_svc.audit.models import WHITELINK, Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.core import Core
from admin_svc.restrictions.models import StoredRestriction, terms
from admin_svc.restrictions.use_cases import Restrictions
from admin_svc.whitelinks import store
from admin_svc.whitelinks.models import WhitelinkNotFound, digest, new_token
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class Whitelinks:
    """Links with which callers lift the restrictions for their own address."""

    database: Database
    audit: AuditTrail
    restrictions: Restrictions

    async def create(self, actor: Actor, lifetime: timedelta) -> str:
        """Creates a whitelink and deletes expired ones; returns the token, which is not stored."""
        token = new_token()
        async with self.database.transaction() as connection:
            await store.delete_expired(connection)
            await store.insert_whitelink(connection, digest(token), lifetime)
            after = {"digest": digest(token).hex(), "seconds": lifetime.total_seconds()}
            said = {"before": None, "after": after}
            await self.audit.append(connection, "change", "whitelink.created", actor, said)
        return token

    async def use(self, token: str, address: str) -> StoredRestriction:
        """Whitelists an address; a token serves any number of addresses until it expires.

        Raises `WhitelinkNotFound`, `InvalidValue` or `ValueTaken`.
        """
        async with self.database.connection() as connection:
            if not await store.is_alive(connection, digest(token)):
                raise WhitelinkNotFound
        whitelisted = terms(category="whitelist", scope="ip", value=address)
        return await self.restrictions.create(WHITELINK, whitelisted)


def build(core: Core, audit: AuditTrail, restrictions: Restrictions) -> Whitelinks:
    """Wires the feature."""
    return Whitelinks(core.database, audit, restrictions)
