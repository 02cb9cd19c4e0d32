"""Public keys by `kid`, fetched from identity-svc and cached."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import jwt

from shared.errors import Unavailable

JwksDocument = Mapping[str, Any]
"""A JSON Web Key Set, RFC 7517, 5."""

_REFRESH_SECONDS = 300.0
_UNKNOWN_KEY_SECONDS = 2.0  # a flood of invented kids costs identity-svc one request in this time
_FAILURE_SECONDS = 0.5  # callers that waited for a failed fetch do not wait for another


class UnknownKeyError(Exception):
    """No published key has this id."""


class KeySet:
    """The published keys, refreshed every five minutes and when a new `kid` appears."""

    def __init__(
        self,
        fetch: Callable[[], Awaitable[JwksDocument]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._failed = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> jwt.PyJWK:
        """The key with this id.

        Raises `UnknownKeyError`, or `Unavailable` when the keys cannot be fetched.
        """
        age = self._clock() - self._fetched
        if kid not in self._keys:
            if age > _UNKNOWN_KEY_SECONDS:
                await self.refresh(older_than=self._fetched)
        elif age > _REFRESH_SECONDS and not self._lock.locked():
            with suppress(Unavailable):
                await self.refresh(older_than=self._fetched)
        if kid not in self._keys:
            raise UnknownKeyError(kid)
        return self._keys[kid]

    async def loaded(self) -> None:
        """Returns when there are keys; raises `Unavailable` when none can be fetched."""
        if not self._keys:
            await self.refresh(older_than=self._fetched)

    async def refresh(self, older_than: float) -> None:
        """Fetches the keys, once for all concurrent callers.

        Raises `Unavailable` to all of them when they cannot be fetched.
        """
        async with self._lock:
            if self._fetched > older_than:
                return
            if self._clock() - self._failed < _FAILURE_SECONDS:
                raise Unavailable("keys")
            try:
                document = await self._fetch()
            except Unavailable:
                self._failed = self._clock()
                raise
            self._keys = {key["kid"]: jwt.PyJWK(key) for key in document["keys"]}
            self._fetched = self._clock()
