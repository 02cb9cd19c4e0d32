"""The envelope of an event: JWS, JSON general serialization (RFC 7515, 7.2.1), RS256."""

import json
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from shared.contracts.events import Event, ReceivedEvent
from shared.tokens.key_set import KeySet, UnknownKeyError

ALGORITHM = "RS256"
SIGNER = "barong"
LIFETIME = 86_400  # seconds; for subscribers that check `exp`, ours know an event by its id


class UntrustedEventError(Exception):
    """The message is no event, or its signature is not one of ours."""


class EventSigner(Protocol):
    """Signs events when they are published."""

    async def sign(self, events: Sequence[Event]) -> list[bytes]:
        """A message body for each event; raises `Unavailable`."""
        ...


def sign(event: Event, key: RSAPrivateKey, kid: str, issuer: str) -> bytes:
    """The message body of an event."""
    now = int(time.time())
    body: dict[str, Any] = {"record": {**event.record, **event.secrets}}
    if event.changes is not None:
        body["changes"] = event.changes
    body["name"] = event.name
    claims: dict[str, Any] = {
        "iss": issuer,
        "jti": str(event.id),
        "iat": now,
        "exp": now + LIFETIME,
        "event": body,
    }
    if event.snapshot is not None:
        claims["snapshot"] = event.snapshot
    compact = jwt.encode(claims, key, ALGORITHM, headers={"kid": kid, "typ": None})
    protected, payload, signature = compact.split(".")
    envelope = {
        "payload": payload,
        "signatures": [{"protected": protected, "header": {"kid": SIGNER}, "signature": signature}],
    }
    return json.dumps(envelope, separators=(",", ":")).encode()


class EventVerifier:
    """Opens envelopes, and refuses those that no published key signed."""

    def __init__(self, keys: KeySet, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer

    async def open(self, body: bytes) -> ReceivedEvent:
        """The event; raises `UntrustedEventError`, or `Unavailable` without keys.

        `exp` is not checked: a queue may hold an event longer, and the inbox finds repeated
        events. `iat` is not checked, either: the signer's clock may be ahead of ours.
        """
        try:
            envelope = json.loads(body)
            signature = envelope["signatures"][0]
            compact = ".".join(
                (signature["protected"], envelope["payload"], signature["signature"])
            )
            kid = str(jwt.get_unverified_header(compact).get("kid"))
            claims = jwt.decode(
                compact,
                await self._keys.key(kid),
                algorithms=[ALGORITHM],
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
