"""What an API key asks of a call signed with it."""

import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from multidict import MultiMapping

from authz_gateway.api_keys import strict_signature
from authz_gateway.api_keys.errors import (
    ApiKeyNotActive,
    InvalidApiKeyHeaders,
    InvalidSignature,
    NonceExpired,
    NonceNoTimestamp,
    SecondFactorDisabled,
    StrictSignatureRequired,
)
from authz_gateway.call import Call
from authz_gateway.sessions.errors import InvalidSession
from authz_gateway.sessions.rules import USABLE_STATES
from shared.contracts.api_keys import SigningKey
from shared.contracts.users import User

_HEADERS = ("X-Auth-Apikey", "X-Auth-Nonce", "X-Auth-Signature")
_VERSION_HEADER = "X-Auth-Signature-Version"
_VERSIONS = ("1", strict_signature.VERSION)
_DIGITS = re.compile(r"[0-9]{1,32}")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signed call carries, as it was sent."""

    kid: str
    nonce: str
    signature: str
    strict: bool
    """Whether the signature covers the whole call."""


def is_signed(headers: MultiMapping[str]) -> bool:
    """Whether a call is to be judged by an API key, whatever other credentials it carries."""
    kid, nonce, signature = _HEADERS
    return kid in headers or nonce in headers or signature in headers


def signed(headers: MultiMapping[str]) -> Signed:
    """The three headers, and which kind of signature it is; without a word of that, Barong's.

    Raises `InvalidApiKeyHeaders` unless each of the three is there once and not blank.
    """
    kid, nonce, signature = (_only(headers.getall(name, [])) for name in _HEADERS)
    version = _only(headers.getall(_VERSION_HEADER, _VERSIONS[:1]))
    if version not in _VERSIONS:
        raise InvalidApiKeyHeaders
    return Signed(kid, nonce, signature, strict=version == strict_signature.VERSION)


def _only(values: Sequence[str]) -> str:
    if len(values) != 1 or not values[0].strip():
        raise InvalidApiKeyHeaders
    return values[0].strip()


def moment_of(nonce: str, now: int, lifetime: int) -> int:
    """The nonce as milliseconds since the epoch, as are `now` and `lifetime`.

    Raises `NonceNoTimestamp` or `NonceExpired`.
    """
    if not _DIGITS.fullmatch(nonce) or (moment := int(nonce)) == 0:
        raise NonceNoTimestamp
    if abs(now - moment) > lifetime:
        raise NonceExpired
    return moment


def require_signature(key: SigningKey, call: Call, signed: Signed) -> None:
    """Raises `InvalidSignature`, or `StrictSignatureRequired`; says nothing of the body."""
    if signed.strict:
        message = strict_signature.message(call, signed.nonce, signed.kid)
    elif key.strict:
        raise StrictSignatureRequired
    else:
        message = signed.nonce + signed.kid
    expected = hmac.new(key.secret.encode(), message.encode("utf-8", "surrogateescape"), "sha256")
    presented = signed.signature.encode("utf-8", "surrogateescape")
    if not hmac.compare_digest(expected.hexdigest().encode(), presented):
        raise InvalidSignature


def require_active(key: SigningKey) -> None:
    """Raises `ApiKeyNotActive`."""
    if key.state != "active":
        raise ApiKeyNotActive


def require_able(owner: User) -> None:
    """Raises `InvalidSession` or `SecondFactorDisabled` unless his keys work."""
    if owner.state not in USABLE_STATES:
        raise InvalidSession
    if not owner.otp:
        raise SecondFactorDisabled


def within_scope(key: SigningKey, scope: str) -> bool:
    """Whether the key may call routes of this scope; one without scopes may call all."""
    return not key.scope or scope in key.scope
