"""Calls, sessions and API keys for tests."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from multidict import MultiMapping
from prometheus_client import CollectorRegistry

from authz_gateway.authn.access_tokens import AccessTokenCache
from authz_gateway.authn.call import Call
from authz_gateway.http.parser import RequestHead
from authz_gateway.routing.route_table import Access, Route
from shared.contracts.api_keys import SigningKey
from shared.contracts.sessions import ResolvedSession, UserToken, csrf_digest
from shared.contracts.users import User
from shared.errors import NotFound
from shared.tokens.key_set import JwksDocument, KeySet


class Nobody:
    """Stands for services that know no grant and no user."""

    async def require_grant(self, _grant_id: str) -> None:
        raise NotFound

    async def user_token(self, _uid: str) -> UserToken:
        raise NotFound


def access_tokens() -> AccessTokenCache:
    """A cache of access tokens without keys: none is valid."""

    async def no_keys() -> JwksDocument:
        return {"keys": []}

    nobody = Nobody()
    return AccessTokenCache(KeySet(no_keys), "https://issuer", nobody, nobody, CollectorRegistry())


NOW = datetime.now(UTC)
CSRF_TOKEN = "csrf"
ME = "/api/v2/barong/resource/users/me"


def a_head(headers: Mapping[str, str] | MultiMapping[str], method: str = "GET") -> RequestHead:
    """The head of a request with these headers."""
    pairs: Iterable[tuple[str, str]] = headers.items()
    lines = [f"{name}: {value}".encode("utf-8", "surrogateescape") for name, value in pairs]
    if not any(name.lower() == "host" for name in headers):
        lines.insert(0, b"Host: gateway")
    return RequestHead(method, "/", 1, lines, 0)


def a_call(
    headers: Mapping[str, str] | MultiMapping[str] | None = None,
    *,
    method: str = "GET",
    path: str = ME,
    query: str = "",
    body: bytes = b"",
    address: str = "10.1.2.3",
    target: str | None = None,
    **route: Any,
) -> Call:
    """A call on a route that needs permission; `route`: other fields of the route.

    `target`: the target that the client sent, if it differs from path and query.
    """

    async def whole(limit: int) -> bytes | None:
        return body if len(body) <= limit else None

    return Call(
        Route(**{"prefix": "/", "access": Access.REQUIRED, **route}),
        method,
        path,
        query,
        a_head(headers or {}, method),
        whole,
        ip_address(address),
        address,
        (f"{path}?{query}" if query else path) if target is None else target,
    )


def another(call: Call, **changes: Any) -> Call:
    """The same call with other fields."""
    names = (
        *("route", "method", "path", "query", "head", "body", "address", "address_text"),
        *("target", "trusted", "forward_auth"),
    )
    return Call(**{**{name: getattr(call, name) for name in names}, **changes})


def a_user(**overrides: object) -> User:
    """An active member."""
    fields: dict[str, object] = {
        "uid": "ID1",
        "email": "one@barong.io",
        "role": "member",
        "level": 1,
        "otp": False,
        "state": "active",
        "referral_uid": None,
        "data": None,
        "created_at": NOW,
        "updated_at": NOW,
        "version": 1,
    }
    return User(**{**fields, **overrides})  # type: ignore[arg-type]


def a_session(**overrides: object) -> ResolvedSession:
    """A valid session of that member, opened by a `browser` in 10.1.0.0/16."""
    now = datetime.now(UTC)
    fields: dict[str, object] = {
        "sid": "sid-1",
        "user": a_user(),
        "csrf_digest": csrf_digest(CSRF_TOKEN),
        "user_agent": "browser",
        "network": "10.1.0.0/16",
        "expires_at": now + timedelta(minutes=30),
        "token": "fresh-token",
        "token_expires_at": now + timedelta(seconds=60),
    }
    return ResolvedSession(**{**fields, **overrides})  # type: ignore[arg-type]


def a_key(**overrides: object) -> SigningKey:
    """An active API key of that member, without scopes."""
    fields: dict[str, object] = {
        "kid": "kid-1",
        "uid": "ID1",
        "secret": "a secret",
        "scope": (),
        "state": "active",
        "algorithm": "HS256",
    }
    return SigningKey(**{**fields, **overrides})  # type: ignore[arg-type]


def an_owner(**overrides: object) -> UserToken:
    """That member, with a second factor and a token."""
    ends = datetime.now(UTC) + timedelta(seconds=60)
    user = a_user(**{"otp": True, **overrides})
    return UserToken(user=user, token="token-of-key", expires_at=ends)


def signed_with(kid: str, secret: str, nonce: object) -> dict[str, str]:
    """The headers of a call signed in version 1 with an API key."""
    signature = hmac.new(secret.encode(), f"{nonce}{kid}".encode(), hashlib.sha256).hexdigest()
    return {"X-Auth-Apikey": kid, "X-Auth-Nonce": str(nonce), "X-Auth-Signature": signature}


Sign = Callable[[bytes], bytes]
"""Signs a signature base."""


def by_secret(secret: str) -> Sign:
    """Signs with `hmac-sha256`."""
    return lambda base: hmac.new(secret.encode(), base, hashlib.sha256).digest()


def content_digest(body: bytes, algorithm: str = "sha-256") -> str:
    """The value of Content-Digest for a body."""
    digest = hashlib.new(algorithm.replace("-", ""), body).digest()
    return f"{algorithm}=:{base64.b64encode(digest).decode()}:"


def message_signed(
    kid: str,
    sign: Sign,
    method: str,
    target: str,
    *,
    body: bytes | None = None,
    nonce: str = "a nonce",
    created: int | None = None,
    more: Sequence[tuple[str, str]] = (),
    parameters: str = "",
    label: str = "sig1",
) -> dict[str, str]:
    """The headers of a call with a message signature (RFC 9421), made without a library.

    It covers method, path, query, the digest of the body if there is one, and `more`:
    identifiers with their values. `parameters` follow the usual ones.
    """
    path, _, query = target.partition("?")
    covered = [('"@method"', method), ('"@path"', path), ('"@query"', f"?{query}")]
    headers = {}
    if body is not None:
        headers["Content-Digest"] = content_digest(body)
        covered.append(('"content-digest"', headers["Content-Digest"]))
    covered += more
    created = int(datetime.now(UTC).timestamp()) if created is None else created
    components = " ".join(identifier for identifier, _ in covered)
    given = f'({components});created={created};keyid="{kid}";nonce="{nonce}"{parameters}'
    lines = [f"{identifier}: {value}" for identifier, value in covered]
    base = "\n".join([*lines, f'"@signature-params": {given}'])
    signature = base64.b64encode(sign(base.encode())).decode()
    return {**headers, "Signature-Input": f"{label}={given}", "Signature": f"{label}=:{signature}:"}
