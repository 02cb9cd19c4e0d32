"""Nonces: each can be used once, in this process and across all replicas."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from authz_gateway.authn.errors import NonceUsed
from shared.batch_loader import BatchLoader
from shared.contracts.api_keys import MAX_NONCES, Nonce
from shared.contracts.services import GATEWAY, RESOURCE
from shared.errors import Unavailable

MAX_USED_NONCES = 1_000_000
"""Largest number of live nonces of one process; further calls get 503."""


class UsedNonces:
    """The nonces that this process has seen.

    They are stored in batches, each of which spans the lifetime of a nonce. Usually three batches
    are live, because a nonce may be as far in the future as in the past.
    """

    def __init__(self, lifetime: int, capacity: int = MAX_USED_NONCES) -> None:
        """`lifetime` in milliseconds; `capacity`: largest number of live nonces."""
        self._lifetime = lifetime
        self._capacity = capacity
        self._batches: defaultdict[int, set[tuple[str, int, str]]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(map(len, self._batches.values()))

    def use(self, nonce: Nonce, now: int) -> None:
        """Uses up a nonce that has not expired; raises `NonceUsed`, or `Unavailable` when full."""
        oldest = (now - self._lifetime) // self._lifetime
        for batch in [number for number in self._batches if number < oldest]:
            del self._batches[batch]
        if len(self) >= self._capacity:
            raise Unavailable(GATEWAY)
        if any(nonce.identity in batch for batch in self._batches.values()):
            raise NonceUsed
        self._batches[nonce.moment // self._lifetime].add(nonce.identity)

    def release(self, nonce: Nonce) -> None:
        """Makes a nonce usable again, because its call failed."""
        self._batches[nonce.moment // self._lifetime].discard(nonce.identity)


class NonceStore(Protocol):
    """The part of resource-svc's API that stores nonces."""

    async def use_nonces(self, nonces: Sequence[Nonce], lifetime: int) -> list[bool]:
        """For each nonce, whether this is its first use; raises `Unavailable`."""
        ...


class SharedNonces:
    """Uses up nonces at resource-svc, so that only one replica can use each.

    One request runs at a time. Nonces that arrive meanwhile are sent together in the next one, so
    the cost per nonce falls with the load. Nonces that this process has used are refused locally.
    """

    def __init__(self, store: NonceStore, lifetime: int) -> None:
        """`lifetime` in milliseconds."""
        self._local = UsedNonces(lifetime)
        self._fresh = BatchLoader[Nonce, bool](
            lambda nonces: store.use_nonces(nonces, lifetime), MAX_NONCES, RESOURCE
        )

    async def use(self, nonce: Nonce, now: int) -> None:
        """Uses up a nonce that has not expired; raises `NonceUsed` or `Unavailable`."""
        self._local.use(nonce, now)
        try:
            fresh = await self._fresh.get(nonce)
        except Exception:
            self._local.release(nonce)
            raise
        if not fresh:
            raise NonceUsed
