"""When a signing key is made, which one signs, and how long the others are needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.database.reencrypt import SealedColumn
from shared.errors import Invalid
from shared.messaging.envelope import RS256
from shared.tokens.bearer import AUDIENCE, SUBJECT

AUDIENCES = ["peatio", AUDIENCE]
"""The claim `aud` of users' tokens, as in Barong."""

NOTED_EVERY = timedelta(hours=1)
"""How exact `used_at` is: to note each signature would be a write for each token."""


class UnknownSigningKey(Exception):
    """There is no signing key with this id."""


class KeyInUse(Exception):
    """The key is the one that JWT_PRIVATE_KEY_PATH names: replace the file first."""


class ForeignEvent(Invalid):
    """A service asked for a signature under an event that it does not own."""

    codes = ("event.foreign",)


class ForeignToken(Invalid):
    """A service asked for a signature under claims that only identity-svc may make."""

    codes = ("token.foreign",)


OAUTH_TYPES = frozenset({"at+jwt", "JWT", "logout+jwt"})
"""`typ` of access tokens (RFC 9068), ID tokens, and log-out tokens (OpenID Back-Channel Logout)."""


def require_foreign(token_type: str, claims: Mapping[str, Any]) -> None:
    """Raises `ForeignToken` if somebody could take the token for one of identity-svc's own.

    Those have an audience, a subject and claims about the user that no OAuth token has.
    """
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if (
        token_type not in OAUTH_TYPES
        or not isinstance(audiences, list)
        or not set(audiences).isdisjoint(AUDIENCES)
        or claims.get("sub") == SUBJECT
        or not {"uid", "role", "level", "state", "event"}.isdisjoint(claims)
    ):
        raise ForeignToken


def sealed_for(kid: str) -> str:
    """The context to which a sealed private key is bound."""
    return f"signing_keys.private_key:{kid}"


SEALED = SealedColumn("signing_keys", "kid", "private_key", sealed_for)
"""The private keys, for re-encryption."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """A key as it is stored: its sealed private half, or the public half of the operator's."""

    kid: str
    private_key: bytes | None = field(repr=False, default=None)
    public_key: bytes | None = field(repr=False, default=None)
    active_at: datetime
    used_at: datetime | None = None
    algorithm: str = RS256


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that the table needs."""

    make_key: bool = False
    publish_own: bool = False
    note_use_of: str | None = None
    drop: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long a key is published before it signs, signs, and stays published afterwards."""

    published: timedelta
    rotation: timedelta
    kept: timedelta

    def plan(
        self, keys: Sequence[StoredKey], own: str | None, now: datetime, *, wanted: bool = True
    ) -> Plan:
        """What an instance that finds these keys of one algorithm has to do.

        `own` is the operator's. `wanted` is false if nothing is signed with the algorithm any more.
        """
        signs = signing_key(keys, own, now) if wanted else None
        return Plan(
            make_key=wanted and own is None and self._is_due(keys, now),
            publish_own=own is not None and own not in {key.kid for key in keys},
            note_use_of=signs.kid if signs and _use_is_unnoted(signs, now) else None,
            drop=tuple(
                key.kid for key in keys if key is not signs and self._is_unneeded(key, own, now)
            ),
        )

    def _is_due(self, keys: Sequence[StoredKey], now: datetime) -> bool:
        newest = max((key.active_at for key in keys if key.private_key), default=None)
        return newest is None or newest + self.rotation - self.published <= now

    def _is_unneeded(self, key: StoredKey, own: str | None, now: datetime) -> bool:
        last = max(key.used_at or key.active_at, key.active_at)
        return key.kid != own and last + NOTED_EVERY + self.kept < now


def signing_key(keys: Sequence[StoredKey], own: str | None, now: datetime) -> StoredKey | None:
    """The key that signs now: the operator's, else the newest active one with a private half.

    While none is active, it is the one that will be active first.
    """
    usable = [key for key in keys if key.private_key or key.kid == own]
    active = [key for key in usable if key.active_at <= now]
    if active:
        return max(active, key=lambda key: (key.kid == own, key.active_at, key.kid))
    return min(usable, key=lambda key: (key.active_at, key.kid), default=None)


def event_signing_key(
    keys: Sequence[StoredKey], own: str | None, now: datetime, algorithm: str
) -> StoredKey | None:
    """The key that signs events now.

    Until a key of the algorithm is active, verifiers may not have it: events are signed as tokens
    are.
    """
    active = [key for key in keys if key.algorithm == algorithm and key.active_at <= now]
    return signing_key(active, own, now) or signing_key(of_algorithm(keys, RS256), own, now)


def of_algorithm(keys: Sequence[StoredKey], algorithm: str) -> list[StoredKey]:
    """The keys of one algorithm."""
    return [key for key in keys if key.algorithm == algorithm]


def _use_is_unnoted(key: StoredKey, now: datetime) -> bool:
    return key.used_at is None or key.used_at + NOTED_EVERY < now
