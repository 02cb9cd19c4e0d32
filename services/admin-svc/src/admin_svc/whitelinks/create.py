"""Creating a whitelink."""

from dataclasses import dataclass
from datetime import timedelta

from admin_svc.audit.author import Author
from admin_svc.audit.record import append
from admin_svc.whitelinks import store
from admin_svc.whitelinks.rules import digest, new_token
from shared.database.pool import Database


@dataclass(frozen=True, slots=True)
class CreateWhitelink:
    """Creates a whitelink, and forgets those that have expired."""

    database: Database

    async def __call__(self, author: Author, lifetime: timedelta) -> str:
        """The token, which nothing but this answer ever shows."""
        token = new_token()
        async with self.database.transaction() as connection:
            await store.delete_expired(connection)
            await store.insert_whitelink(connection, digest(token), lifetime)
            made = {"digest": digest(token).hex(), "seconds": lifetime.total_seconds()}
            said = {"before": None, "after": made}
            await append(connection, "change", "whitelink.created", author, said)
        return token
