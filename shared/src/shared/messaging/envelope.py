"""The envelope of an event: JWS, JSON general serialization (RFC 7515, 7.2.1).

The protected header is `{"alg":"RS256"}`, or `{"alg":"ES256"}`. The id of the key stands in the
unprotected header, which the signature does not cover, so that one signature serves two
serializations: the topic exchange gets the key's id in the JWKS, and the direct exchanges get
`barong`, which subscribers of Barong 2.4 look for.
"""

import base64
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from shared.contracts.events import Event, ReceivedEvent
from shared.tokens.key_set import KeySet, UnknownKeyError

RS256, ES256 = "RS256", "ES256"
ALGORITHMS = (RS256, ES256)
"""What an event may be signed with (RFC 7518, 3.3 and 3.4); ES256 is with the curve P-256."""

SigningKey = RSAPrivateKey | EllipticCurvePrivateKey
BARONG = "barong"
"""The `kid` on the direct exchanges, whichever key signed."""


class UntrustedEventError(Exception):
    """The message is no event, or its signature is not one of ours."""


class EventSigner(Protocol):
    """Signs events when they are published."""

    async def sign(self, events: Sequence[Event]) -> list[bytes]:
        """A message body for each event; raises `Unavailable`."""
        ...


def sign(event: Event, key: SigningKey, kid: str, issuer: str) -> bytes:
    """The message body of an event for the topic exchange.

    It has no `exp`: a subscriber that was away for weeks still verifies it.
    """
    body: dict[str, Any] = {"record": {**event.record, **event.secrets}}
    if event.changes is not None:
        body["changes"] = event.changes
    body["name"] = event.name
    claims: dict[str, Any] = {
        "iss": issuer,
        "jti": str(event.id),
        "iat": int(time.time()),
        "event": body,
    }
    if event.snapshot is not None:
        claims["snapshot"] = event.snapshot
    algorithm = RS256 if isinstance(key, RSAPrivateKey) else ES256
    protected = _PROTECTED[algorithm]
    payload = _encoded(json.dumps(claims, separators=(",", ":")).encode())
    signature = _SIGNATURES[algorithm].sign(f"{protected}.{payload}".encode(), key)
    return _serialized(payload, protected, kid, _encoded(signature))


def for_direct_exchanges(body: bytes) -> bytes:
    """The same signed event, as subscribers of Barong 2.4 expect it: with `kid` "barong"."""
    envelope = orjson.loads(body)
    [signature] = envelope["signatures"]
    return _serialized(envelope["payload"], signature["protected"], BARONG, signature["signature"])


def _serialized(payload: str, protected: str, kid: str, signature: str) -> bytes:
    envelope = {
        "payload": payload,
        "signatures": [{"protected": protected, "header": {"kid": kid}, "signature": signature}],
    }
    return orjson.dumps(envelope)


def _encoded(data: bytes) -> str:
    """Base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


# PyJWT's `encode` takes three times as long for what is around the signature.
_SIGNATURES = {
    name: algorithm
    for name, algorithm in jwt.algorithms.get_default_algorithms().items()
    if name in ALGORITHMS
}
_PROTECTED = {name: _encoded(f'{{"alg":"{name}"}}'.encode()) for name in ALGORITHMS}


class EventVerifier:
    """Opens envelopes, and refuses those that no published key signed."""

    def __init__(self, keys: KeySet, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer

    async def open(self, body: bytes) -> ReceivedEvent:
        """The event of a message from the topic exchange.

        Raises `UntrustedEventError`, or `Unavailable` without keys. `iat` is not checked: the
        signer's clock may be ahead of ours.
        """
        try:
            envelope = json.loads(body)
            [signature] = envelope["signatures"]
            compact = ".".join(
                (signature["protected"], envelope["payload"], signature["signature"])
            )
            key = await self._keys.key(_key_id(compact, signature))
            claims = jwt.decode(
                compact,
                key,
                # The key says which: what is signed with another is refused.
                algorithms=[each for each in ALGORITHMS if each == key.algorithm_name],
                issuer=self._issuer,
                options={
                    "require": ["iss", "jti", "iat", "event"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            return _received(claims)
        except (
            jwt.InvalidTokenError,
            UnknownKeyError,
            ValueError,
            LookupError,
            TypeError,
            RecursionError,
        ) as error:
            raise UntrustedEventError(type(error).__name__) from None


def _key_id(compact: str, signature: Mapping[str, Any]) -> str:
    """The id of the key that signed.

    Until 2026-11-30 messages had it in the protected header, with `barong` in the unprotected one,
    and an `exp`. Such messages may wait in queues during an upgrade, and for thirty days as dead
    letters: accept them until 2027-01-31.
    """
    protected = jwt.get_unverified_header(compact)
    return str(protected["kid"] if "kid" in protected else signature["header"]["kid"])


def _received(claims: dict[str, Any]) -> ReceivedEvent:
    event = claims["event"]
    return ReceivedEvent(
        id=uuid.UUID(claims["jti"]),
        name=str(event["name"]),
        record=event["record"],
        changes=event.get("changes") or {},
        snapshot=claims.get("snapshot") or {},
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
    )
