"""Keys, tokens and small real applications to try the parts of shared on."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from shared.errors import Unavailable
from shared.tokens.bearer import BearerVerifier
from shared.tokens.key_set import JwksDocument, KeySet
from shared.web import server
from shared.web.applications import WebLayer
from shared.web.metrics import Registry
from shared.web.routes import Route

KEYS = ",".join(
    f"{name}:{base64.b64encode(bytes([fill]) * 32).decode()}"
    for name, fill in (("new", 1), ("old", 2))
)
KID = "2026"


@cache
def rsa_key(name: str) -> RSAPrivateKey:
    """A private key, the same for the same name."""
    return rsa.generate_private_key(65537, 2048)


def jwks(*names: str) -> JwksDocument:
    """The public halves of these keys, each with its name as `kid`."""
    return {
        "keys": [
            {
                **jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key(name).public_key(), as_dict=True),
                "kid": name,
                "use": "sig",
                "alg": "RS256",
            }
            for name in names
        ]
    }


class Issuer:
    """Publishes keys as identity-svc does: counts who asks, and can be down or slow."""

    def __init__(self, *names: str) -> None:
        self.names = names or (KID,)
        self.asked = 0
        self.down = False
        self.seconds = 0.0

    async def jwks(self) -> JwksDocument:
        self.asked += 1
        await asyncio.sleep(self.seconds)
        if self.down:
            raise Unavailable("identity-svc")
        return jwks(*self.names)


def bearer_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good bearer token; a change to None leaves the claim out."""
    now = int(time.time())
    claims = {
        "iss": "barong",
        "aud": ["peatio", "barong"],
        "sub": "session",
        "iat": now,
        "exp": now + 60,
        "jti": "1",
        "uid": "ID0000000001",
        "email": "user@example.com",
        "role": "member",
        "level": 1,
        "state": "active",
        "referral_uid": None,
        "sid": "s1",
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def a_bearer(
    key: Any = None,
    algorithm: str = "RS256",
    kid: Any = KID,
    typ: str | None = "JWT",
    **changes: Any,
) -> str:
    """A token as upstreams get it, with these changes to its claims."""
    headers: dict[str, Any] = {"typ": typ} | ({} if kid is None else {"kid": kid})
    return jwt.encode(bearer_claims(**changes), key or rsa_key(KID), algorithm, headers=headers)


@asynccontextmanager
async def served(
    routes: Iterable[Route[Any]],
    *,
    prefix: str = "",
    registry: Registry | None = None,
    issuer: Issuer | None = None,
) -> AsyncIterator[str]:
    """The address of a public application with these routes."""
    bearers = BearerVerifier(KeySet((issuer or Issuer()).jwks), "barong")
    app = WebLayer(registry or Registry()).public(routes, prefix=prefix, bearers=bearers)
    async with listening(app) as address:
        yield address


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    """The address at which `app` answers, served as services serve."""
    async with server.listening(app, "127.0.0.1", 0, shutdown_seconds=0.1) as address:
        yield address


async def sent(address: str, request: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to these very bytes, after which the connection ends."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(request)
        async with asyncio.timeout(30):
            answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def raw(
    method: str, target: bytes, headers: Mapping[str, bytes] | None = None, body: bytes = b""
) -> bytes:
    """An HTTP request, byte for byte."""
    lines = {
        "Host": b"localhost",
        "Connection": b"close",
        **({"Content-Length": str(len(body)).encode()} if body else {}),
        **(headers or {}),
    }
    head = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in lines.items())
    return method.encode() + b" " + target + b" HTTP/1.1\r\n" + head + b"\r\n" + body
