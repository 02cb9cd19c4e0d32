"""API keys: reads signed calls, caches keys and owners, and authenticates callers."""

import hmac
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from multidict import MultiMapping
from prometheus_client import CollectorRegistry

from authz_gateway.authn.call import Call
from authz_gateway.authn.content_digest import NAME as CONTENT_DIGEST
from authz_gateway.authn.content_digest import read_digests, require_digests
from authz_gateway.authn.errors import (
    ApiKeyNotActive,
    InvalidApiKeyHeaders,
    InvalidComponent,
    InvalidSession,
    InvalidSignature,
    InvalidSignatureInput,
    MessageSignatureRequired,
    MissingComponent,
    NonceExpired,
    NonceNoTimestamp,
    SecondFactorDisabled,
    SignatureExpired,
    UnknownApiKey,
    WrongSignatureAlgorithm,
)
from authz_gateway.authn.lookup_cache import MAX_AGE_SECONDS, LookupCache, seconds_of_token
from authz_gateway.authn.message_signatures import (
    MessageSignature,
    SignedRequest,
    carries_signature,
    read_signature,
    require_ed25519,
    require_hmac_sha256,
    signature_base,
)
from authz_gateway.authn.sessions import USABLE_STATES
from shared.contracts.api_keys import (
    CREATED_GRANULARITY,
    ED25519,
    HMAC_SHA256,
    Nonce,
    SigningKey,
    is_kid,
    is_nonce,
)
from shared.contracts.sessions import UserToken
from shared.contracts.users import User
from shared.errors import TooLarge

_HEADERS = ("X-Auth-Apikey", "X-Auth-Nonce", "X-Auth-Signature")
_DIGITS = re.compile(r"[0-9]{1,32}")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_WITHOUT_BODY = frozenset({"GET", "HEAD"})


class SignedCall(Protocol):
    """The credentials of a call that an API key signed."""

    @property
    def kid(self) -> str:
        """The id of the API key."""
        ...

    def nonce(self, now: int, lifetime: int) -> Nonce:
        """The nonce; raises a `Refusal` when it is more than `lifetime` away from `now`.

        `now`: milliseconds since the epoch. `lifetime`: milliseconds.
        """
        ...

    def require_signature(self, key: SigningKey) -> None:
        """Raises a `Refusal` unless the key made the signature; does not check the body."""
        ...

    async def require_body(self, call: Call, limit: int) -> None:
        """Raises a `Refusal` unless the body is the signed one, `TooLarge` above `limit` bytes."""
        ...


@dataclass(frozen=True, slots=True)
class SignedNonce:
    """Version 1, as in Barong: an HMAC over nonce and kid. It does not cover the call itself."""

    kid: str
    text: str
    signature: str

    def nonce(self, now: int, lifetime: int) -> Nonce:
        """Raises `NonceNoTimestamp` or `NonceExpired`."""
        if not _DIGITS.fullmatch(self.text) or (moment := int(self.text)) == 0:
            raise NonceNoTimestamp
        if abs(now - moment) > lifetime:
            raise NonceExpired
        return Nonce(self.kid, moment)

    def require_signature(self, key: SigningKey) -> None:
        """Raises `InvalidSignature` or `MessageSignatureRequired`."""
        if key.message_signatures_only or key.secret is None:
            raise MessageSignatureRequired
        message = (self.text + self.kid).encode("utf-8", "surrogateescape")
        expected = hmac.new(key.secret.encode(), message, "sha256").hexdigest().encode()
        presented = self.signature.encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(expected, presented):
            raise InvalidSignature

    async def require_body(self, call: Call, limit: int) -> None:
        """Raises nothing: version 1 does not cover the body."""


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A call with an HTTP message signature. `base` is the signature base.

    `created` and `expires` are in seconds since the epoch. `digests`: of the body, by algorithm;
    without any the body must be empty.
    """

    kid: str
    text: str
    created: int
    expires: int | None
    algorithm: str | None
    base: bytes
    signature: bytes
    digests: Mapping[str, bytes]

    def nonce(self, now: int, lifetime: int) -> Nonce:
        """Raises `SignatureExpired`. The signature was made at any moment of second `created`."""
        begin = self.created * CREATED_GRANULARITY
        end = begin + CREATED_GRANULARITY - 1
        if begin - now > lifetime or now - end > lifetime:
            raise SignatureExpired
        if self.expires is not None and now >= self.expires * 1000:
            raise SignatureExpired
        return Nonce(self.kid, end, self.text)

    def require_signature(self, key: SigningKey) -> None:
        """Raises `WrongSignatureAlgorithm` or `InvalidSignature`."""
        if self.algorithm not in (None, key.signature_algorithm):
            raise WrongSignatureAlgorithm
        if key.signature_algorithm == ED25519 and key.public_key is not None:
            public_key = urlsafe_b64decode(f"{key.public_key}=")
            require_ed25519(public_key, self.base, self.signature)
        elif key.signature_algorithm == HMAC_SHA256 and key.secret is not None:
            require_hmac_sha256(key.secret.encode(), self.base, self.signature)
        else:
            raise InvalidSignature

    async def require_body(self, call: Call, limit: int) -> None:
        """Raises `TooLarge`, `ContentDigestMismatch`, or `MissingComponent` without a digest."""
        if not self.digests:
            if await call.body(0) != b"":
                raise MissingComponent
            return
        body = await call.body(limit)
        if body is None:
            raise TooLarge
        require_digests(self.digests, body)


def is_signed(headers: MultiMapping[str]) -> bool:
    """Whether a call is authenticated by an API key, whatever other credentials it has."""
    return carries_signature(headers) or _has_version_1_headers(headers)


def _has_version_1_headers(headers: MultiMapping[str]) -> bool:
    kid, nonce, signature = _HEADERS
    return kid in headers or nonce in headers or signature in headers


def read_signed_call(call: Call) -> SignedCall:
    """The credentials of a signed call; raises a `Refusal` when they are malformed.

    A call with both schemes is refused: a verifier of one scheme would ignore the other.
    """
    if not carries_signature(call.headers):
        return SignedNonce(*(_single(call.headers.getall(name, [])) for name in _HEADERS))
    if _has_version_1_headers(call.headers):
        raise InvalidApiKeyHeaders
    return signed_message(call)


def _single(values: Sequence[str]) -> str:
    if len(values) != 1 or not (value := values[0].strip(" \t")):
        raise InvalidApiKeyHeaders
    return value


def signed_message(call: Call) -> SignedMessage:
    """Reads the message signature of a call.

    Raises `InvalidSignatureInput`, `InvalidComponent`, `MissingComponent` or
    `InvalidContentDigest`.
    """
    signature = read_signature(call.headers)
    parameters: Mapping[str, Any] = signature.parameters
    if not {"created", "keyid", "nonce"} <= parameters.keys():
        raise InvalidSignatureInput
    if not is_nonce(parameters["nonce"]):
        raise InvalidSignatureInput
    _require_coverage(signature, call)
    digests = read_digests(call.headers) if signature.covers(CONTENT_DIGEST) else {}
    base = signature_base(signature, _as_received(call))
    return SignedMessage(
        kid=parameters["keyid"],
        text=parameters["nonce"],
        created=parameters["created"],
        expires=parameters.get("expires"),
        algorithm=parameters.get("alg"),
        base=base,
        signature=signature.signature,
        digests=digests,
    )


def _require_coverage(signature: MessageSignature, call: Call) -> None:
    """Raises `MissingComponent` unless method, path, query and a possible body are covered.

    In forward auth the proxy may withhold the body, as nginx does. So every method that may have a
    body needs a digest there.
    """
    covers = signature.covers
    whole_target = covers("@target-uri") or covers("@request-target")
    target = whole_target or (covers("@path") and (covers("@query") or not call.query))
    needs_digest = call.method in _WITH_BODY or (
        call.forward_auth and call.method not in _WITHOUT_BODY
    )
    if not (covers("@method") and target and (covers(CONTENT_DIGEST) or not needs_digest)):
        raise MissingComponent


def _as_received(call: Call) -> SignedRequest:
    """The request as the client sent it; scheme and host as a trusted proxy forwards them."""
    scheme, authority = "http", call.headers.get("Host", "")
    if call.trusted:
        scheme = _forwarded_value(call.headers, "X-Forwarded-Proto", scheme).lower()
        authority = _forwarded_value(call.headers, "X-Forwarded-Host", authority)
    return SignedRequest(call.method, scheme, authority, call.target, call.headers)


def _forwarded_value(headers: MultiMapping[str], name: str, default: str) -> str:
    """The value of a forwarded header; raises `InvalidComponent` when proxies disagree on it."""
    values = {each.strip() for value in headers.getall(name, []) for each in value.split(",")}
    if len(values) > 1:
        raise InvalidComponent
    return values.pop() if values else default


def require_active(key: SigningKey) -> None:
    """Raises `ApiKeyNotActive`."""
    if key.state != "active":
        raise ApiKeyNotActive


def require_usable_owner(owner: User) -> None:
    """Raises `InvalidSession` or `SecondFactorDisabled` unless the owner may use API keys."""
    if owner.state not in USABLE_STATES:
        raise InvalidSession
    if not owner.otp:
        raise SecondFactorDisabled


def within_scope(key: SigningKey, scope: str) -> bool:
    """Whether the key may call routes of this scope; a key without scopes may call all routes."""
    return not key.scope or scope in key.scope


MAX_API_KEYS = 20_000


class KeySource(Protocol):
    """The part of resource-svc's API that the cache uses."""

    async def api_key(self, kid: str) -> SigningKey:
        """The key; raises `NotFound`."""
        ...


class OwnerSource(Protocol):
    """The part of identity-svc's API that the cache uses."""

    async def user_token(self, uid: str) -> UserToken:
        """The user with a token for upstreams; raises `NotFound`."""
        ...


class ApiKeyCache:
    """Caches API keys and their owners in memory."""

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
        self._keys = LookupCache[SigningKey](
            "api_key",
            registry,
            subjects=_subjects_of_key,
            seconds=lambda _key, _now: MAX_AGE_SECONDS,
            capacity=capacity,
            clock=clock,
        )
        self._owners = LookupCache[UserToken](
            "api_key_owner",
            registry,
            subjects=_subjects_of_owner,
            seconds=_max_age,
            capacity=capacity,
            clock=clock,
        )

    async def by_kid(self, kid: str) -> SigningKey | None:
        """The key, None without one; raises `Unavailable`."""
        return await self._keys.get(kid, partial(self._resource.api_key, kid))

    async def owner(self, uid: str) -> UserToken | None:
        """The user with a token for upstreams, None without one; raises `Unavailable`."""
        return await self._owners.get(uid, partial(self._identity.user_token, uid))

    def invalidate_key(self, kid: str) -> None:
        """Drops a key that changed or was deleted."""
        self._keys.invalidate(f"kid:{kid}")

    def invalidate_user(self, uid: str) -> None:
        """Drops a user who changed, and their keys."""
        self._keys.invalidate(f"uid:{uid}")
        self._owners.invalidate(f"uid:{uid}")

    def invalidate_all(self) -> None:
        """Drops everything, because events were missed."""
        self._keys.invalidate_all()
        self._owners.invalidate_all()


def _subjects_of_key(key: SigningKey) -> tuple[str, str]:
    return f"kid:{key.kid}", f"uid:{key.uid}"


def _subjects_of_owner(owner: UserToken) -> tuple[str]:
    return (f"uid:{owner.user.uid}",)


def _max_age(owner: UserToken, now: datetime) -> float:
    return seconds_of_token(owner.expires_at, now)


def epoch_milliseconds() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class ApiKeys(Protocol):
    """API keys and their owners; every method may raise `Unavailable`."""

    async def by_kid(self, kid: str) -> SigningKey | None:
        """The key, None without one."""
        ...

    async def owner(self, uid: str) -> UserToken | None:
        """The user with a token for upstreams, None without one."""
        ...


class Nonces(Protocol):
    """Makes sure that each nonce is used once."""

    async def use(self, nonce: Nonce, now: int) -> None:
        """Uses up a nonce that has not expired; raises `NonceUsed` or `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticateApiKey:
    """Authenticates signed calls."""

    api_keys: ApiKeys
    nonces: Nonces
    lifetime: int
    """How far a nonce may be in the past or in the future, milliseconds."""
    max_body_bytes: int
    """Largest signed body: it is buffered and verified before the call is forwarded."""
    clock: Callable[[], int] = epoch_milliseconds

    async def __call__(self, call: Call) -> tuple[SigningKey, UserToken]:
        """The key and its owner; raises the `Refusal` for the client.

        The nonce is used up last, so that no refusal here costs a nonce. After a 503 a client must
        repeat the call with a new nonce: audit and upstream, which come later, may answer it too.
        """
        signed_call = read_signed_call(call)
        key = await self.api_keys.by_kid(signed_call.kid) if is_kid(signed_call.kid) else None
        if key is None:
            raise UnknownApiKey
        signed_call.nonce(self.clock(), self.lifetime)
        signed_call.require_signature(key)
        require_active(key)
        owner = await self.api_keys.owner(key.uid)
        if owner is None:
            raise InvalidSession
        require_usable_owner(owner.user)
        await signed_call.require_body(call, self.max_body_bytes)
        # The steps above may have taken long: check again, because expired nonces are forgotten.
        now = self.clock()
        await self.nonces.use(signed_call.nonce(now, self.lifetime), now)
        return key, owner
