"""Tokens whose signatures were verified: each is verified once, not at each call."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import jwt

from shared.tokens.key_set import KeySet

V = TypeVar("V")

CACHED = 10_000
"""The largest number of verified tokens in a cache, of a few hundred bytes each."""


@dataclass(frozen=True, slots=True)
class Verified(Generic[V]):
    """What a token says, whose signature and claims were found right under this key."""

    value: V
    kid: str
    key: jwt.PyJWK
    expires_at: float
    """Seconds since the epoch."""


class VerifiedTokens(Generic[V]):
    """Caches verified tokens by their SHA-256.

    The signature of the same token is not verified again while its key is published and it has not
    expired.
    """

    def __init__(self, keys: KeySet, cached: int = CACHED) -> None:
        self._keys = keys
        self._cached = cached
        self._verified: dict[bytes, Verified[V]] = {}

    async def get(self, token: str, verify: Callable[[str], Awaitable[Verified[V]]]) -> V:
        """What the token says; raises what `verify` raises, UnicodeError or `UnknownKeyError`."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._verified.get(digest)
        if known is None or not await self._holds(known):
            known = await verify(token)
            self._remember(digest, known)
        return known.value

    async def _holds(self, known: Verified[V]) -> bool:
        """Keys are fetched anew every few minutes; then each token is verified once more."""
        return known.expires_at > time.time() and await self._keys.key(known.kid) is known.key

    def _remember(self, digest: bytes, verified: Verified[V]) -> None:
        self._verified.pop(digest, None)  # so that it is the newest
        self._verified[digest] = verified
        if len(self._verified) > self._cached:
            del self._verified[next(iter(self._verified))]
