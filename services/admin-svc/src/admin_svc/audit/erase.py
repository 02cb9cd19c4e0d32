"""Erasing what the audit trail says of a user."""

from dataclasses import dataclass

from admin_svc.audit import store
from admin_svc.audit.author import Author
from admin_svc.audit.record import append
from shared.database.pool import Database

_ACTION = "user.erased"


@dataclass(frozen=True, slots=True)
class EraseAuditPayloads:
    """Forgets the payloads about a user; that, by whom and when he was changed stays provable.

    The erasure is an entry itself: payloads that are missing without one are a break of the chain.
    The user has to be marked as erased before: what is appended from then on has no payload.
    """

    database: Database

    async def __call__(self, uid: str, author: Author) -> int:
        """How many payloads were forgotten; again, there are none and nothing is noted."""
        async with self.database.transaction() as connection:
            await store.lock_end(connection)  # who missed the mark has committed his payload then
            erased = await store.delete_payloads(connection, uid)
            if erased:
                await append(connection, "erasure", _ACTION, author, None, target_uid=uid)
            return erased
