"""API keys: what programs sign their calls with, what a key may be, and why one is refused."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from resource_svc.api_keys.public_key import ed25519_public_key, in_base64url
from shared.contracts.api_keys import ED25519, HMAC_SHA256, HS256
from shared.contracts.users import User
from shared.errors import BadRequest, Invalid
from shared.values.timestamps import seconds

ALGORITHMS = (HS256, HMAC_SHA256, ED25519)
ACTIVE, INACTIVE, DISABLED = "active", "inactive", "disabled"
STATES = (ACTIVE, INACTIVE, DISABLED)
"""Only active keys work; the other two mean the same, and front ends use both."""

MAX_API_KEYS = 50
"""Nobody needs more; without a limit one user could fill the table."""
MAX_SCOPES = 32

_SCOPE = re.compile(r"[A-Za-z0-9_.:/*-]{1,64}")


class SecondFactorDisabled(BadRequest):
    """The user has no second factor, or none any more."""

    codes = ("resource.api_key.2fa_disabled",)


class WrongCode(Invalid):
    """The code is not one of this moment."""

    codes = ("resource.api_key.invalid_totp",)


class TooManyApiKeys(Invalid):
    """The user has as many API keys as they may have; a code of ours, Barong knows no limit."""

    codes = ("resource.api_key.limit_reached",)


INVALID_API_KEY = Invalid(
    (
        *("algorithm.inclusion", "kid.blank", "scope.too_long", "scope.invalid"),
        *("public_key.blank", "public_key.invalid", "public_key.unexpected"),
    )
)
"""All codes of what can be wrong with a new key, for the API document."""

INVALID_CHANGE = Invalid(("scope.too_long", "scope.invalid", "state.inclusion"))
"""The same of a change of a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """One API key of one user, without its secret; unique by `kid`.

    `public_key` is that of an `ed25519` key, 32 bytes; other keys have none.
    """

    kid: str
    uid: str
    algorithm: str
    scope: list[str]
    state: str
    created_at: datetime
    updated_at: datetime
    public_key: bytes | None = None

    def to_public(self) -> dict[str, Any]:
        """The `APIKey` of the public API after its creation."""
        return {
            "kid": self.kid,
            "algorithm": self.algorithm,
            "scope": self.scope,
            "state": self.state,
            "created_at": seconds(self.created_at),
            "updated_at": seconds(self.updated_at),
        }

    def to_owner(self) -> dict[str, Any]:
        """The same with the public key, if the key has one."""
        if self.public_key is None:
            return self.to_public()
        return {**self.to_public(), "public_key": in_base64url(self.public_key)}

    def to_creator(self, secret: str | None, *, vault_shaped: bool) -> dict[str, Any]:
        """The `APIKey` at its creation, with its secret.

        The secret is a text, or `vault_shaped` as older front ends expect it: as Vault answers.
        """
        shown = self.to_owner()
        if secret is None:
            return shown
        moments = {name: shown.pop(name) for name in ("created_at", "updated_at")}
        value = {"data": {"value": secret}} if vault_shaped else secret
        return {**shown, "secret": value, **moments}


@dataclass(frozen=True, slots=True)
class SealedApiKey:
    """An API key, and its secret as the table has it; None for a key with a public key."""

    key: ApiKey
    secret: bytes | None = field(repr=False)


def algorithm_faults(algorithm: str, kid: str | None) -> Iterator[str]:
    """Codes of what is wrong; Barong takes a `kid` where it would not make one itself."""
    if algorithm in ALGORITHMS:
        return
    if not algorithm.startswith("HS") and not kid:
        yield "kid.blank"
    yield "algorithm.inclusion"


def public_key_faults(algorithm: str, public_key: str | None) -> Iterator[str]:
    """Codes of what is wrong; `ed25519` needs a public key, the other algorithms have none."""
    if algorithm not in ALGORITHMS:
        return
    if algorithm != ED25519:
        if public_key is not None:
            yield "public_key.unexpected"
    elif public_key is None:
        yield "public_key.blank"
    else:
        try:
            ed25519_public_key(public_key)
        except ValueError:
            yield "public_key.invalid"


def scope_faults(scope: Sequence[str]) -> Iterator[str]:
    """Codes of what is wrong with a list of scopes."""
    if len(scope) > MAX_SCOPES:
        yield "scope.too_long"
    if not all(map(_SCOPE.fullmatch, scope)):
        yield "scope.invalid"


def state_faults(state: str) -> Iterator[str]:
    """Codes of what is wrong with a state."""
    if state not in STATES:
        yield "state.inclusion"


def check_owner(user: User) -> None:
    """Raises `SecondFactorDisabled` for a user who may have no active key."""
    if not user.otp:
        raise SecondFactorDisabled
