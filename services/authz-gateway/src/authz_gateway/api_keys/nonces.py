"""Nonces that were used here, remembered for as long as they could be used again."""

from collections import defaultdict

from authz_gateway.api_keys.errors import NonceUsed
from shared.contracts.api_keys import Nonce
from shared.contracts.services import GATEWAY
from shared.errors import Unavailable

MAX_NONCES = 1_000_000
"""More than one process lets pass while they live; what comes then waits for room."""


class UsedNonces:
    """The nonces of this process.

    They are kept in batches, each as long as a nonce's lifetime, of which three are alive: nonces
    may lie in the future as far as in the past.
    """

    def __init__(self, lifetime: int) -> None:
        """`lifetime` in milliseconds."""
        self._lifetime = lifetime
        self._batches: defaultdict[int, set[Nonce]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(map(len, self._batches.values()))

    def use(self, nonce: Nonce, now: int) -> None:
        """Uses up a nonce that has not expired.

        Raises `NonceUsed`, or `Unavailable` where there is no room.
        """
        oldest = (now - self._lifetime) // self._lifetime
        for batch in [number for number in self._batches if number < oldest]:
            del self._batches[batch]
        if len(self) >= MAX_NONCES:
            raise Unavailable(GATEWAY)
        used = self._batches[nonce.moment // self._lifetime]
        if nonce in used:
            raise NonceUsed
        used.add(nonce)

    def give_back(self, nonce: Nonce) -> None:
        """The nonce that was used last time was not used after all."""
        self._batches[nonce.moment // self._lifetime].discard(nonce)
