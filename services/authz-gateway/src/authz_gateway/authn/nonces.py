"""Nonces that work once, at this process and at all replicas together."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from authz_gateway.authn.errors import NonceUsed
from shared.batch_loader import BatchLoader
from shared.contracts.api_keys import MAX_NONCES, Nonce
from shared.contracts.services import GATEWAY
from shared.errors import Unavailable

MAX_USED_NONCES = 1_000_000
"""More than one process lets pass while they live; what comes then waits for room."""


class UsedNonces:
    """The nonces of this process.

    They are kept in batches, each as long as a nonce's lifetime. As a rule three are alive, since
    nonces may lie in the future as far as in the past.
    """

    def __init__(self, lifetime: int) -> None:
        """`lifetime` in milliseconds."""
        self._lifetime = lifetime
        self._batches: defaultdict[int, set[tuple[str, int, str]]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(map(len, self._batches.values()))

    def use(self, nonce: Nonce, now: int) -> None:
        """Uses up a nonce that has not expired.

        Raises `NonceUsed`, or `Unavailable` where there is no room.
        """
        oldest = (now - self._lifetime) // self._lifetime
        for batch in [number for number in self._batches if number < oldest]:
            del self._batches[batch]
        if len(self) >= MAX_USED_NONCES:
            raise Unavailable(GATEWAY)
        if any(nonce.identity in batch for batch in self._batches.values()):
            raise NonceUsed
        self._batches[nonce.moment // self._lifetime].add(nonce.identity)

    def give_back(self, nonce: Nonce) -> None:
        """The nonce that was used last time was not used after all."""
        self._batches[nonce.moment // self._lifetime].discard(nonce.identity)


class NonceKeeper(Protocol):
    """What is asked of resource-svc."""

    async def use_nonces(self, nonces: Sequence[Nonce], lifetime: int) -> list[bool]:
        """For each nonce, whether it had not been used; raises `Unavailable`."""
        ...


class SharedNonces:
    """Asks resource-svc, which lets one of all replicas have a nonce.

    One question is under way at a time. The nonces that come meanwhile go together with the next,
    so that the more there are, the less each costs. Repeats of what was used here are not asked.
    """

    def __init__(self, keeper: NonceKeeper, lifetime: int) -> None:
        """`lifetime` in milliseconds."""
        self._mine = UsedNonces(lifetime)
        self._fresh = BatchLoader[Nonce, bool](
            lambda nonces: keeper.use_nonces(nonces, lifetime), MAX_NONCES
        )

    async def use(self, nonce: Nonce, now: int) -> None:
        """Uses up a nonce that has not expired; raises `NonceUsed` or `Unavailable`."""
        self._mine.use(nonce, now)
        try:
            fresh = await self._fresh.get(nonce)
        except Exception:
            self._mine.give_back(nonce)
            raise
        if not fresh:
            raise NonceUsed
