"""The signing keys in memory: published, and used to sign."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from prometheus_client import CollectorRegistry, Gauge

from identity_svc.operator_key import OperatorKey
from identity_svc.signing_keys.models import (
    StoredKey,
    event_signing_key,
    of_algorithm,
    sealed_for,
    signing_key,
)
from shared.contracts.events import Event
from shared.crypto.key_ring import KeyRing
from shared.errors import Unavailable
from shared.messaging.envelope import ES256, RS256, SigningKey, sign
from shared.tokens.bearer import ALGORITHM
from shared.tokens.key_set import JwksDocument

_FRESH_SECONDS = 1.0

Maintain = Callable[[], Awaitable[tuple[Sequence[StoredKey], datetime]]]
"""Brings the table of keys up to date; returns all keys, and the time at which they were read."""


_PublicKey = RSAPublicKey | EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class _Key:
    """A key; its private half may be missing here."""

    public: _PublicKey
    private: SigningKey | None


@dataclass(frozen=True, slots=True)
class _Signing:
    """A key that signs, and since when."""

    kid: str
    key: SigningKey
    since: datetime


class KeyChain:
    """The keys of this installation: one signs tokens, one events, and all verify."""

    def __init__(
        self,
        maintain: Maintain,
        ring: KeyRing,
        own: OperatorKey | None,
        issuer: str,
        event_algorithm: str,
        reload_seconds: float,
        registry: CollectorRegistry,
    ) -> None:
        self._maintain = maintain
        self._ring = ring
        self._own = own
        self._issuer = issuer
        self._event_algorithm = event_algorithm
        self._reload_seconds = reload_seconds
        self._keys: dict[str, _Key] = {}
        self._signing: _Signing | None = None
        self._signing_events: _Signing | None = None
        self._loading = asyncio.Lock()
        self._load_began = float("-inf")
        Gauge(
            "signing_key_age_seconds", "How long the present key signs already.", registry=registry
        ).set_function(self._age)

    async def run(self) -> None:
        """Maintains the keys, and picks up what other instances and commands changed."""
        while True:
            await self.load()
            await asyncio.sleep(self._reload_seconds)

    async def load(self) -> None:
        """Brings table and memory up to date; while PostgreSQL is down, memory stays as it is."""
        async with self._loading:
            self._load_began = time.monotonic()
            stored, now = await self._maintain()
            self._keys = {key.kid: self._keys.get(key.kid) or self._open(key) for key in stored}
            own = self._own.kid if self._own else None
            self._signing = self._chosen(signing_key(of_algorithm(stored, RS256), own, now))
            self._signing_events = self._chosen(
                event_signing_key(stored, own, now, self._event_algorithm)
            )

    async def check(self) -> None:
        """Readiness: raises `Unavailable` while there is no key."""
        self._current()

    async def jwks(self) -> JwksDocument:
        """The public halves, RFC 7517; raises `Unavailable` while there is none.

        The caller may have met a key that another instance made a moment ago, so the table is read
        again, once a second at most.
        """
        if time.monotonic() - self._load_began > _FRESH_SECONDS and not self._loading.locked():
            with suppress(Unavailable):
                await self.load()
        self._current()
        return {"keys": [_public_jwk(kid, key.public) for kid, key in self._keys.items()]}

    def token(
        self,
        claims: Mapping[str, Any],
        issued_at: datetime,
        expires_at: datetime,
        token_type: str,
    ) -> str:
        """A signed token with these claims; a `jti` is made unless they have one.

        `token_type` becomes `typ` in its header.
        """
        current = self._current()
        payload = {
            "jti": str(uuid.uuid4()),
            **claims,
            "iss": self._issuer,
            "iat": issued_at,
            "exp": expires_at,
        }
        return jwt.encode(
            payload, current.key, ALGORITHM, headers={"kid": current.kid, "typ": token_type}
        )

    def sign_claims(self, claims: Mapping[str, Any], token_type: str) -> str:
        """A token with exactly these claims."""
        current = self._current()
        headers = {"kid": current.kid, "typ": token_type}
        return jwt.encode(dict(claims), current.key, ALGORITHM, headers=headers)

    async def sign(self, events: Sequence[Event]) -> list[bytes]:
        """A message body for each event."""
        current = self._signing_events or self._current()
        return await asyncio.to_thread(
            lambda: [sign(event, current.key, current.kid, self._issuer) for event in events]
        )

    def public_key(self, kid: str) -> RSAPublicKey | None:
        """The public half of a key that may have signed a token, if there is such a key."""
        key = self._keys.get(kid)
        return key.public if key and isinstance(key.public, RSAPublicKey) else None

    def _chosen(self, stored: StoredKey | None) -> _Signing | None:
        private = self._keys[stored.kid].private if stored else None
        return _Signing(stored.kid, private, stored.active_at) if stored and private else None

    def _current(self) -> _Signing:
        if self._signing is None:
            raise Unavailable("signing keys")
        return self._signing

    def _age(self) -> float:
        return time.time() - self._signing.since.timestamp() if self._signing else 0.0

    def _open(self, stored: StoredKey) -> _Key:
        own = self._own
        private: Any = own.key if own and own.kid == stored.kid else None
        if stored.private_key is not None:
            der = self._ring.decrypt(stored.private_key, sealed_for(stored.kid))
            private = serialization.load_der_private_key(der, password=None)
        public = (
            private.public_key()
            if private
            else serialization.load_der_public_key(stored.public_key or b"")
        )
        if not isinstance(public, RSAPublicKey | EllipticCurvePublicKey):
            raise TypeError(f"signing key {stored.kid} is neither for RS256 nor for ES256")
        return _Key(public, private)


def _public_jwk(kid: str, key: _PublicKey) -> dict[str, Any]:
    if isinstance(key, RSAPublicKey):
        jwk, algorithm = jwt.algorithms.RSAAlgorithm.to_jwk(key, as_dict=True), RS256
    else:
        jwk, algorithm = jwt.algorithms.ECAlgorithm.to_jwk(key, as_dict=True), ES256
    return {**jwk, "kid": kid, "use": "sig", "alg": algorithm}
