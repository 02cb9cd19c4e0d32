"""Opens messages: JWS in JSON general serialization (RFC 7515, 7.2.1), RS256 or ES256."""

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt

from barong_events.errors import UntrustedEventError
from barong_events.keys import Keys
from barong_events.records import Record, record_of

_MAX_BYTES = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event whose signature was verified.

    `record` is typed if this release knows the event, else None. `raw` is the record as it came,
    and `changes` has the old values of what changed. `id` is the same when an event is repeated.
    """

    id: uuid.UUID
    name: str
    record: Record | None = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)
    changes: Mapping[str, Any] = field(repr=False)
    issued_at: datetime


class Verifier:
    """Opens messages that a known key signed, and refuses all others."""

    def __init__(self, keys: Keys, issuer: str = "barong") -> None:
        self._keys = keys
        self._issuer = issuer

    async def open(self, body: bytes) -> Event:
        """The event; raises `UntrustedEventError`, or `KeysUnavailableError`."""
        try:
            return _event(await self._claims(body))
        except (
            jwt.PyJWTError,
            ValueError,
            LookupError,
            TypeError,
            RecursionError,
            OverflowError,
        ) as e:
            raise UntrustedEventError(f"{type(e).__name__}: {e}"[:200]) from None

    async def _claims(self, body: bytes) -> dict[str, Any]:
        if len(body) > _MAX_BYTES:
            raise ValueError("the message is too large")
        envelope = strict_json(body)
        [signature] = envelope["signatures"]
        header, protected = signature["header"], signature["protected"]
        signed = strict_json(base64.urlsafe_b64decode(protected + "=" * (-len(protected) % 4)))
        if set(signed) & set(header):
            raise ValueError("a parameter stands in both headers")  # RFC 7515, 7.2.1
        if not isinstance(header["kid"], str):
            raise TypeError("kid")
        compact = ".".join((protected, envelope["payload"], signature["signature"]))
        key = await self._keys.key(header["kid"])
        opened = jwt.PyJWS().decode_complete(compact, key, algorithms=[key.algorithm_name])
        claims: dict[str, Any] = strict_json(opened["payload"])
        if claims["iss"] != self._issuer:
            raise ValueError("another issuer")
        return claims


def strict_json(text: bytes) -> dict[str, Any]:
    """A JSON object; raises TypeError for others, ValueError for a name that is there twice."""
    value = json.loads(text, object_pairs_hook=_unique)
    if not isinstance(value, dict):
        raise TypeError("no JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is there twice")
    return made


def _event(claims: dict[str, Any]) -> Event:
    event = claims["event"]
    name, raw, changes = event["name"], event["record"], event.get("changes", {})
    if not (isinstance(name, str) and isinstance(raw, dict) and isinstance(changes, dict)):
        raise TypeError("no event")
    if not isinstance(claims["jti"], str):
        raise TypeError("jti")
    return Event(
        id=uuid.UUID(claims["jti"]),
        name=name,
        record=record_of(name, raw),
        raw=raw,
        changes=changes,
        issued_at=datetime.fromtimestamp(claims["iat"], UTC),
    )
