"""Creating a whitelink."""

from dataclasses import dataclass
from datetime import timedelta

from admin_svc.audit.models import Actor
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.whitelinks import store
from admin_svc.whitelinks.rules import digest, new_token
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class CreateWhitelink:
    """Creates a whitelink, and forgets those that have expired."""

    database: Database
    audit: AuditTrail

    async def __call__(self, actor: Actor, lifetime: timedelta) -> str:
        """The token, which nothing but this answer ever shows."""
        token = new_token()
        async with self.database.transaction() as connection:
            await store.delete_expired(connection)
            await store.insert_whitelink(connection, digest(token), lifetime)
            made = {"digest": digest(token).hex(), "seconds": lifetime.total_seconds()}
            said = {"before": None, "after": made}
            await self.audit.append(connection, "change", "whitelink.created", actor, said)
        return token
