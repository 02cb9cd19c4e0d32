"""Uses up nonces."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from resource_svc.nonces import store
from shared.contracts.api_keys import CREATED_GRANULARITY, Nonce
from shared.database.pool import Database
from shared.errors import Unavailable


@dataclass(frozen=True, slots=True)
class UseNonces:
    """Whatever gateways ask at the same time, one of them gets a nonce."""

    database: Database

    async def __call__(self, nonces: Sequence[Nonce], lifetime: int) -> list[bool]:
        """For each nonce, whether it had not been used; `lifetime` is in milliseconds.

        A nonce may lie one lifetime ahead and be used until one lifetime after; `created` of a
        message signature stands for a whole second besides. So long after PostgreSQL lost what it
        kept, nobody knows what was used: raises `Unavailable`.
        """
        async with self.database.connection() as connection:
            fresh, kept_for = await store.insert_nonces(connection, nonces, lifetime)
        if kept_for < timedelta(milliseconds=2 * lifetime + CREATED_GRANULARITY):
            raise Unavailable("used nonces")
        return [_taken(nonce, fresh) for nonce in nonces]


def _taken(nonce: Nonce, fresh: set[tuple[str, int, str]]) -> bool:
    """Whether it was there; it is gone afterwards, so that a repeat in one question is used."""
    if nonce.identity not in fresh:
        return False
    fresh.remove(nonce.identity)
    return True
