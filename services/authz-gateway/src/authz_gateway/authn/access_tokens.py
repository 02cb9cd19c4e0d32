"""Access tokens of the OAuth provider (RFC 9068): verified here, and dropped when revoked."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

import jwt
from prometheus_client import CollectorRegistry

from authz_gateway.authn.lookup_cache import Entry, LookupCache, seconds_of_token
from shared.contracts.sessions import UserToken
from shared.errors import Forbidden, NotFound, Unauthenticated
from shared.tokens.bearer import ACCESS_TOKEN, ALGORITHM, MAX_TOKEN_LENGTH
from shared.tokens.key_set import KeySet, UnknownKeyError

MAX_ACCESS_TOKENS = 50_000
_REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]


class InvalidAccessToken(Unauthenticated):
    """The access token is broken, expired or revoked, or was not made for a user of this API."""

    codes = ("authz.invalid_access_token",)
    headers = MappingProxyType({"WWW-Authenticate": 'Bearer error="invalid_token"'})


class InsufficientScope(Forbidden):
    """The access token has not the scope of the route, or the route has none (RFC 6750, 3.1)."""

    codes = ("authz.insufficient_scope",)

    def __init__(self, scope: str) -> None:
        super().__init__()
        needed = f', scope="{scope}"' if scope else ""
        self.headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope"{needed}'}


@dataclass(frozen=True, slots=True)
class ResolvedAccessToken:
    """A token in force: its grant, audience and scopes, and its user with a token for upstreams.

    Whoever takes the token checks that it is meant for them. `thumbprint` is that of the key to
    which it is bound, None for a bearer token: then each call has a proof.
    """

    grant_id: str
    audience: frozenset[str]
    scopes: frozenset[str]
    expires_at: datetime
    owner: UserToken
    thumbprint: str | None = None


class GrantSource(Protocol):
    """The part of oauth-svc's API that the cache uses."""

    async def require_grant(self, grant_id: str) -> None:
        """Returns if the grant is in force; raises `NotFound`."""
        ...


class OwnerSource(Protocol):
    """The part of identity-svc's API that the cache uses."""

    async def user_token(self, uid: str) -> UserToken:
        """The user as they are now, with a token for upstreams; raises `NotFound`."""
        ...


class AccessTokenCache:
    """Caches access tokens that were verified, by their digest."""

    def __init__(
        self,
        keys: KeySet,
        issuer: str,
        grants: GrantSource,
        owners: OwnerSource,
        registry: CollectorRegistry,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`issuer` is the OAuth provider's."""
        self._keys = keys
        self._issuer = issuer
        self._grants = grants
        self._owners = owners
        self._cache = LookupCache[ResolvedAccessToken](
            "access_token",
            registry,
            subjects=lambda token: (f"grant:{token.grant_id}", f"uid:{token.owner.user.uid}"),
            seconds=_max_age,
            capacity=MAX_ACCESS_TOKENS,
            clock=clock,
        )

    async def resolve(self, token: str) -> ResolvedAccessToken:
        """The token; raises `InvalidAccessToken` or `Unavailable`."""
        if len(token) > MAX_TOKEN_LENGTH:
            raise InvalidAccessToken
        found = await self._cache.get(digest_of(token), partial(self._load, token))
        if found is None or found.expires_at <= datetime.now(UTC):
            raise InvalidAccessToken
        return found

    def entry(self, digest: str) -> Entry[ResolvedAccessToken] | None:
        """The cached token with this `digest_of`, with its expiry; None without one."""
        return self._cache.entry(digest)

    async def lives(self, grant_id: str) -> bool:
        """Whether a grant is in force; raises `Unavailable`."""
        try:
            await self._grants.require_grant(grant_id)
        except NotFound:
            return False
        return True

    def invalidate_grant(self, grant_id: str) -> None:
        """Drops the tokens of a grant that was revoked."""
        self._cache.invalidate(f"grant:{grant_id}")

    def invalidate_user(self, uid: str) -> None:
        """Drops the tokens of a user who changed."""
        self._cache.invalidate(f"uid:{uid}")

    def invalidate_all(self) -> None:
        """Drops all tokens, because events were missed."""
        self._cache.invalidate_all()

    async def _load(self, token: str) -> ResolvedAccessToken:
        """Raises `NotFound` for a token that is not valid."""
        claims = await self._verified(token)
        try:
            grant_id = str(UUID(str(claims["jti"]).partition(".")[0]))
        except ValueError:
            raise NotFound from None
        if claims["sub"] == claims["client_id"]:
            raise NotFound  # a machine has no role at this API
        await self._grants.require_grant(grant_id)
        owner = await self._owners.user_token(str(claims["sub"]))
        return ResolvedAccessToken(
            grant_id=grant_id,
            audience=frozenset(
                [claims["aud"]] if isinstance(claims["aud"], str) else claims["aud"]
            ),
            scopes=frozenset(str(claims.get("scope", "")).split()),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            owner=owner,
            thumbprint=_thumbprint(claims),
        )

    async def _verified(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            if header.get("typ") != ACCESS_TOKEN:
                raise NotFound
            claims: dict[str, Any] = jwt.decode(
                token,
                await self._keys.key(str(header.get("kid"))),
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                options={"require": _REQUIRED, "verify_iat": False, "verify_aud": False},
            )
        except (jwt.InvalidTokenError, UnknownKeyError, UnicodeError):
            raise NotFound from None
        return claims


def _thumbprint(claims: Mapping[str, Any]) -> str | None:
    """`jkt` (RFC 9449, 6.1); raises `NotFound` for a token that is bound in another way."""
    confirmation = claims.get("cnf")
    if confirmation is None:
        return None
    thumbprint = confirmation.get("jkt") if isinstance(confirmation, dict) else None
    if not isinstance(thumbprint, str):
        raise NotFound
    return thumbprint


def digest_of(token: str) -> str:
    """The key of a token in memory: its SHA-256, in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def is_of_a_client(token: str) -> bool:
    """Whether a bearer token says that it was given to an OAuth client; nothing is verified.

    Tokens of sessions have no `client_id`. Whichever it says it is, it is verified as that.
    """
    try:
        payload = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return False
    return "client_id" in payload


def _max_age(token: ResolvedAccessToken, now: datetime) -> float:
    left = (token.expires_at - now).total_seconds()
    return min(left, seconds_of_token(token.owner.expires_at, now))
