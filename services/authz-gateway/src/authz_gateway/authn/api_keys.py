"""API keys: what a signed call carries, the keys and their owners, and who signed a call."""

import hmac
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from multidict import MultiMapping
from prometheus_client import CollectorRegistry

from authz_gateway.authn import signatures
from authz_gateway.authn.errors import (
    ApiKeyNotActive,
    InvalidApiKeyHeaders,
    InvalidSession,
    InvalidSignature,
    NonceExpired,
    NonceNoTimestamp,
    SecondFactorDisabled,
    StrictSignatureRequired,
    UnknownApiKey,
)
from authz_gateway.authn.lookup_cache import HELD_SECONDS, HeldAnswers, seconds_of_token
from authz_gateway.authn.sessions import USABLE_STATES
from authz_gateway.authn.signatures import require_body
from authz_gateway.authz.call import Call
from shared.contracts.api_keys import Nonce, SigningKey, is_kid
from shared.contracts.sessions import UserToken
from shared.contracts.users import User

_HEADERS = ("X-Auth-Apikey", "X-Auth-Nonce", "X-Auth-Signature")
_VERSION_HEADER = "X-Auth-Signature-Version"
_VERSIONS = ("1", signatures.VERSION)
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
    return Signed(kid, nonce, signature, strict=version == signatures.VERSION)


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
        message = signatures.message(call, signed.nonce, signed.kid)
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


MAX_API_KEYS = 20_000


class KeySource(Protocol):
    """What the cache asks of resource-svc."""

    async def api_key(self, kid: str) -> SigningKey:
        """The key; raises `NotFound`."""
        ...


class OwnerSource(Protocol):
    """What the cache asks of identity-svc."""

    async def user_token(self, uid: str) -> UserToken:
        """The user with a token for upstreams; raises `NotFound`."""
        ...


class ApiKeyCache:
    """Keys and their owners, in memory only."""

    def __init__(
        self,
        resource: KeySource,
        identity: OwnerSource,
        registry: CollectorRegistry,
        *,
        capacity: int = MAX_API_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resource = resource
        self._identity = identity
        self._keys = HeldAnswers[SigningKey](
            "api_key",
            registry,
            subjects=_subjects_of_key,
            seconds=lambda _key, _now: HELD_SECONDS,
            capacity=capacity,
            clock=clock,
        )
        self._owners = HeldAnswers[UserToken](
            "api_key_owner",
            registry,
            subjects=_subjects_of_owner,
            seconds=_held_for,
            capacity=capacity,
            clock=clock,
        )

    async def by_kid(self, kid: str) -> SigningKey | None:
        """The key, None when there is none; raises `Unavailable`."""
        return await self._keys.get(kid, partial(self._resource.api_key, kid))

    async def owner(self, uid: str) -> UserToken | None:
        """The user with a token for upstreams, None when he is gone; raises `Unavailable`."""
        return await self._owners.get(uid, partial(self._identity.user_token, uid))

    def forget_key(self, kid: str) -> None:
        """The key changed or is gone."""
        self._keys.forget(f"kid:{kid}")

    def forget_user(self, uid: str) -> None:
        """The user changed, and perhaps his keys with him."""
        self._keys.forget(f"uid:{uid}")
        self._owners.forget(f"uid:{uid}")

    def forget_everything(self) -> None:
        """Events were missed."""
        self._keys.forget_everything()
        self._owners.forget_everything()


def _subjects_of_key(key: SigningKey) -> tuple[str, str]:
    return f"kid:{key.kid}", f"uid:{key.uid}"


def _subjects_of_owner(owner: UserToken) -> tuple[str]:
    return (f"uid:{owner.user.uid}",)


def _held_for(owner: UserToken, now: datetime) -> float:
    return seconds_of_token(owner.expires_at, now)


def wall_clock() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class ApiKeys(Protocol):
    """API keys and their owners; every call may raise `Unavailable`."""

    async def by_kid(self, kid: str) -> SigningKey | None:
        """The key."""
        ...

    async def owner(self, uid: str) -> UserToken | None:
        """The user with a token for upstreams."""
        ...


class Nonces(Protocol):
    """Nonces, each of which works once."""

    async def use(self, nonce: Nonce, now: int) -> None:
        """Uses up a nonce that has not expired; raises `NonceUsed` or `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticateApiKey:
    """Takes a signed call for what it is worth."""

    api_keys: ApiKeys
    nonces: Nonces
    lifetime: int
    """Of a nonce, to either side of this moment, milliseconds."""
    max_body_bytes: int
    """Of a body that is signed, and therefore read before anything of it is forwarded."""
    clock: Callable[[], int] = wall_clock

    async def __call__(self, call: Call) -> tuple[SigningKey, UserToken]:
        """The key and its owner; raises the `Refusal` that the client is told.

        The nonce is used up last, so that none of these refusals costs one. A call answered with
        503 is repeated with a new one: what comes later, audit and upstream, answers so as well.
        """
        given = signed(call.headers)
        key = await self.api_keys.by_kid(given.kid) if is_kid(given.kid) else None
        if key is None:
            raise UnknownApiKey
        moment = moment_of(given.nonce, self.clock(), self.lifetime)
        require_signature(key, call, given)
        require_active(key)
        owner = await self.api_keys.owner(key.uid)
        if owner is None:
            raise InvalidSession
        require_able(owner.user)
        if given.strict:
            await require_body(call, self.max_body_bytes)
        # All this may have taken time: what expired meanwhile is not remembered any more.
        now = self.clock()
        moment_of(given.nonce, now, self.lifetime)
        await self.nonces.use(Nonce(key.kid, moment), now)
        return key, owner
