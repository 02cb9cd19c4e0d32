"""API keys: what a signed call carries, the keys and their owners, and who signed a call."""

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
from authz_gateway.authn.lookup_cache import HELD_SECONDS, LookupCache, seconds_of_token
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
from authz_gateway.authz.call import Call
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
_WITH_A_BODY = frozenset({"POST", "PUT", "PATCH"})
_WITHOUT_A_BODY = frozenset({"GET", "HEAD"})


class Signed(Protocol):
    """What a signed call carries, as it was sent."""

    @property
    def kid(self) -> str:
        """The id of the key that it names."""
        ...

    def nonce(self, now: int, lifetime: int) -> Nonce:
        """Its nonce; raises the `Refusal` of one that is not of this moment.

        `now` is in milliseconds since the epoch, as is `lifetime` to either side of it.
        """
        ...

    def require_signature(self, key: SigningKey) -> None:
        """Raises the `Refusal` unless the key signed this; says nothing of the body."""
        ...

    async def require_body(self, call: Call, limit: int) -> None:
        """Raises `TooLarge` for more than `limit` bytes, or the `Refusal` of another body."""
        ...


@dataclass(frozen=True, slots=True)
class SignedNonce:
    """Version 1, Barong's: a signature over nonce and kid. It says nothing of the call."""

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
        """Nothing is said of it."""


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A call with an HTTP message signature. `base` is what was signed.

    `created` and `expires` are in seconds since the epoch. `digests` are those of the body, by
    algorithm; without any the body must be empty.
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
        """Raises `SignatureExpired`. The signature is of some moment in the second `created`."""
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
    """Whether a call is to be judged by an API key, whatever other credentials it carries."""
    return carries_signature(headers) or _in_version_1(headers)


def _in_version_1(headers: MultiMapping[str]) -> bool:
    kid, nonce, signature = _HEADERS
    return kid in headers or nonce in headers or signature in headers


def signed(call: Call) -> Signed:
    """What the call was signed with; raises the `Refusal` of what cannot be judged.

    Two schemes at once are refused: who reads one of them would overlook the other.
    """
    if not carries_signature(call.headers):
        return SignedNonce(*(_only(call.headers.getall(name, [])) for name in _HEADERS))
    if _in_version_1(call.headers):
        raise InvalidApiKeyHeaders
    return signed_message(call)


def _only(values: Sequence[str]) -> str:
    if len(values) != 1 or not (value := values[0].strip(" \t")):
        raise InvalidApiKeyHeaders
    return value


def signed_message(call: Call) -> SignedMessage:
    """The call as its message signature has it.

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
    """Method, path, query, and the body of each call that may have one.

    A proxy that carries a call and asks us about it may keep the body to itself, as nginx does. So
    it does not count that none shows.
    """
    covers = signature.covers
    whole_target = covers("@target-uri") or covers("@request-target")
    target = whole_target or (covers("@path") and (covers("@query") or not call.query))
    needs_digest = call.method in _WITH_A_BODY or (
        call.carried and call.method not in _WITHOUT_A_BODY
    )
    if not (covers("@method") and target and (covers(CONTENT_DIGEST) or not needs_digest)):
        raise MissingComponent


def _as_received(call: Call) -> SignedRequest:
    """The call as the client sent it; a trusted proxy tells which scheme and host that was."""
    scheme, authority = "http", call.headers.get("Host", "")
    if call.trusted:
        scheme = _told(call.headers, "X-Forwarded-Proto", scheme).lower()
        authority = _told(call.headers, "X-Forwarded-Host", authority)
    return SignedRequest(call.method, scheme, authority, call.target, call.headers)


def _told(headers: MultiMapping[str], name: str, default: str) -> str:
    """What the proxies say; of several that do not agree, nobody knows which the client used."""
    values = {each.strip() for value in headers.getall(name, []) for each in value.split(",")}
    if len(values) > 1:
        raise InvalidComponent
    return values.pop() if values else default


def require_active(key: SigningKey) -> None:
    """Raises `ApiKeyNotActive`."""
    if key.state != "active":
        raise ApiKeyNotActive


def require_able(owner: User) -> None:
    """Raises `InvalidSession` or `SecondFactorDisabled` unless the owner's keys work."""
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
        self._keys = LookupCache[SigningKey](
            "api_key",
            registry,
            subjects=_subjects_of_key,
            seconds=lambda _key, _now: HELD_SECONDS,
            capacity=capacity,
            clock=clock,
        )
        self._owners = LookupCache[UserToken](
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
        """The user with a token for upstreams, None when they are gone; raises `Unavailable`."""
        return await self._owners.get(uid, partial(self._identity.user_token, uid))

    def forget_key(self, kid: str) -> None:
        """The key changed or is gone."""
        self._keys.forget(f"kid:{kid}")

    def forget_user(self, uid: str) -> None:
        """The user changed, and perhaps their keys, too."""
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
    """Judges a signed call."""

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
        given = signed(call)
        key = await self.api_keys.by_kid(given.kid) if is_kid(given.kid) else None
        if key is None:
            raise UnknownApiKey
        given.nonce(self.clock(), self.lifetime)
        given.require_signature(key)
        require_active(key)
        owner = await self.api_keys.owner(key.uid)
        if owner is None:
            raise InvalidSession
        require_able(owner.user)
        await given.require_body(call, self.max_body_bytes)
        # All this may have taken time: what expired meanwhile is not remembered any more.
        now = self.clock()
        await self.nonces.use(given.nonce(now, self.lifetime), now)
        return key, owner
