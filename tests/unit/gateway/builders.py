"""Calls, sessions and API keys for tests."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from multidict import MultiMapping

from authz_gateway.authz.call import Call
from authz_gateway.http.parser import RequestHead
from authz_gateway.routing.route_table import Access, Route
from shared.contracts.api_keys import SigningKey
from shared.contracts.sessions import ResolvedSession, UserToken, csrf_digest
from shared.contracts.users import User

NOW = datetime.now(UTC)
CSRF_TOKEN = "csrf"
ME = "/api/v2/barong/resource/users/me"


def a_head(headers: Mapping[str, str] | MultiMapping[str], method: str = "GET") -> RequestHead:
    """The head of a request with these headers."""
    pairs: Iterable[tuple[str, str]] = headers.items()
    lines = [f"{name}: {value}".encode("utf-8", "surrogateescape") for name, value in pairs]
    return RequestHead(method, "/", 1, [b"Host: gateway", *lines], 0)


def a_call(
    headers: Mapping[str, str] | MultiMapping[str] | None = None,
    *,
    method: str = "GET",
    path: str = ME,
    query: str = "",
    body: bytes = b"",
    address: str = "10.1.2.3",
    **route: Any,
) -> Call:
    """A call on a route that needs permission; `route` are fields of another one."""

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
    )


def another(call: Call, **changes: Any) -> Call:
    """The same call but for these fields."""
    names = ("route", "method", "path", "query", "head", "body", "address", "shown_address")
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
    """A living session of that member, opened by a `browser` in 10.1.0.0/16."""
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
    """An active key of that member, for everything."""
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
    """That member, who has a second factor, with a token."""
    ends = datetime.now(UTC) + timedelta(seconds=60)
    user = a_user(**{"otp": True, **overrides})
    return UserToken(user=user, token="token-of-key", expires_at=ends)


def signed_with(kid: str, secret: str, nonce: object) -> dict[str, str]:
    """The headers of a call signed with a key, as its owner's program makes them."""
    signature = hmac.new(secret.encode(), f"{nonce}{kid}".encode(), hashlib.sha256).hexdigest()
    return {"X-Auth-Apikey": kid, "X-Auth-Nonce": str(nonce), "X-Auth-Signature": signature}


def strictly_signed_with(
    kid: str,
    secret: str,
    nonce: object,
    method: str,
    path: str,
    query: str,
    body: bytes,
    digest: str = "",
) -> dict[str, str]:
    """The headers of a call of which everything is signed."""
    if body:
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
    text = "\n".join(("2", method, path, query, digest, str(nonce), kid))
    return {
        "X-Auth-Apikey": kid,
        "X-Auth-Nonce": str(nonce),
        "X-Auth-Signature-Version": "2",
        "X-Auth-Signature": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
        **({"Content-Digest": digest} if digest else {}),
    }
