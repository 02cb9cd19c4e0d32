"""Another OpenID provider, on a port of this machine, which tests can make lie."""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "barong at the/provider", "a+secret:with%signs"

Sign = Callable[["OpenIdProvider", dict[str, Any]], str]


@dataclass
class Person:
    """Who is logged in at the provider."""

    subject: str = field(default_factory=lambda: secrets.token_hex(8))
    email: str = field(default_factory=lambda: f"{secrets.token_hex(6)}@example.com")
    verified: Any = True

    def claims(self) -> dict[str, Any]:
        return {"email": self.email, "email_verified": self.verified}


@dataclass
class Granted:
    """What a code was issued for."""

    query: Mapping[str, str]
    person: Person


@dataclass
class OpenIdProvider:
    """`claims` and `metadata` are changes to what is told; None leaves a claim out.

    `broken` maps a path to how it fails: `slow`, `giant`, `error`, `redirect`, `text`, `list`,
    `encoded` or `empty`. `by_userinfo`: the address is not in the ID token.
    """

    url: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    sign: Sign | None = None
    by_userinfo: bool = False
    names_issuer: bool = True
    calls: list[str] = field(default_factory=list)
    codes: dict[str, Granted] = field(default_factory=dict)
    tokens: dict[str, Person] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(65537, 2048), repr=False
    )
    kid: str = field(default_factory=lambda: secrets.token_hex(4))

    def start_anew(self) -> None:
        """Tells the truth again."""
        self.claims, self.metadata, self.userinfo, self.broken = {}, {}, {}, {}
        self.sign, self.by_userinfo, self.names_issuer = None, False, True
        self.calls.clear()

    def rotate(self) -> None:
        """Signs with a new key."""
        self.key = rsa.generate_private_key(65537, 2048)
        self.kid = secrets.token_hex(4)

    @property
    def public_jwk(self) -> dict[str, Any]:
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {**jwk, "kid": self.kid, "use": "sig", "alg": "RS256"}

    def document(self) -> dict[str, Any]:
        """What the provider says about itself."""
        told = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?prompt=none",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": self.names_issuer,
            **self.metadata,
        }
        return {name: value for name, value in told.items() if value is not None}

    def come_back(self, question: str, person: Person) -> dict[str, str]:
        """With what the browser comes back that was sent to `question`, where it is `person`."""
        address, _, _ = question.partition("?")
        query = dict(parse_qsl(urlsplit(question).query))
        assert address == f"{self.url}/authorize", question
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["code_challenge_method"] == "S256"
        assert query["nonce"]
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = Granted(query, person)
        issuer = {"iss": self.url} if self.names_issuer else {}
        return {"state": query["state"], "code": code, **issuer}

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """GET /authorize of a browser: the person in its query, or a new one, is logged in."""
        person = Person(
            **{
                name: request.cookies[name]
                for name in ("subject", "email")
                if name in request.cookies
            }
        )
        answer = self.come_back(f"{self.url}{request.path_qs}", person)
        target = f"{request.query['redirect_uri']}?{urlencode(answer)}"
        return web.Response(status=302, headers={"Location": target})

    async def token(self, request: web.Request) -> web.StreamResponse:
        """POST /token."""
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        kind, _, pair = request.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            named, _, secret = base64.b64decode(pair).decode().partition(":")
            [(client, _)] = parse_qsl(f"{named}=", keep_blank_values=True)
            [(given, _)] = parse_qsl(f"{secret}=", keep_blank_values=True)
        else:
            client, given = form.get("client_id", ""), form.get("client_secret", "")
        if (client, given) != (CLIENT_ID, CLIENT_SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        granted = self.codes.pop(form["code"], None)
        if granted is None or not _verifies(granted, form):
            return web.json_response({"error": "invalid_grant"}, status=400)
        access_token = secrets.token_urlsafe(16)
        self.tokens[access_token] = granted.person
        claims = self._claims(granted)
        sign = self.sign or signed
        return web.json_response(
            {"access_token": access_token, "token_type": "Bearer", "id_token": sign(self, claims)}
        )

    def _claims(self, granted: Granted) -> dict[str, Any]:
        now = int(time.time())
        told = {
            "iss": self.url,
            "sub": granted.person.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": granted.query["nonce"],
            **({} if self.by_userinfo else granted.person.claims()),
            **self.claims,
        }
        return {name: value for name, value in told.items() if value is not None}

    async def show_userinfo(self, request: web.Request) -> web.StreamResponse:
        """GET /userinfo."""
        _, _, token = request.headers.get("Authorization", "").partition(" ")
        person = self.tokens.get(token)
        if person is None:
            return web.json_response({"error": "invalid_token"}, status=401)
        return web.json_response({"sub": person.subject, **person.claims(), **self.userinfo})

    @web.middleware
    async def breaks(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Any],
    ) -> web.StreamResponse:
        """Counts the call, and fails as the test wants it."""
        path = request.path.rpartition("/")[2]
        self.calls.append(path)
        match self.broken.get(path):
            case "slow":
                await asyncio.sleep(60)
            case "giant":
                return web.json_response({"padding": "x" * 1_000_000})
            case "error":
                return web.json_response({"error": "server_error"}, status=500)
            case "redirect":
                return web.Response(status=302, headers={"Location": f"{self.url}/elsewhere"})
            case "text":
                return web.Response(text="<html>sorry</html>")
            case "list":
                return web.json_response([{}])
            case "encoded":
                return web.json_response({}, headers={"Content-Encoding": "gzip"})
            case "empty":
                return web.json_response({})
        response: web.StreamResponse = await handler(request)
        return response


def signed(provider: OpenIdProvider, claims: dict[str, Any]) -> str:
    """As an honest provider signs."""
    return jwt.encode(claims, provider.key, algorithm="RS256", headers={"kid": provider.kid})


def provider_file(folder: Path, provider: OpenIdProvider, **changes: Any) -> Path:
    """A file of this provider alone, with the client's secret in a file beside it."""
    secret = folder / "client-secret"
    secret.write_text(f"{CLIENT_SECRET}\n")
    entry = {
        "name": "example",
        "label": "Example & Sons",
        "issuer": provider.url,
        "client_id": CLIENT_ID,
        "client_secret_file": str(secret),
        **changes,
    }
    file = folder / f"{secrets.token_hex(4)}.yaml"
    file.write_text(yaml.safe_dump({"providers": [entry]}))
    return file


def settings_of(file: Path) -> dict[str, str]:
    """The settings of an identity-svc whose providers this file names, on this machine."""
    return {
        "BARONG_LOG_IN_PROVIDERS": str(file),
        "BARONG_LOG_IN_ALLOWED_NETWORKS": "127.0.0.0/8",
        "BARONG_LOG_IN_PLAIN_HTTP": "true",
    }


@asynccontextmanager
async def openid_provider() -> AsyncIterator[OpenIdProvider]:
    """A provider that listens."""
    made = OpenIdProvider()
    app = web.Application(middlewares=[made.breaks])

    async def discovery(_request: web.Request) -> web.StreamResponse:
        return web.json_response(made.document())

    async def keys(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": [made.public_jwk]})

    app.router.add_get("/.well-known/openid-configuration", discovery)
    app.router.add_get("/keys", keys)
    app.router.add_get("/authorize", made.authorize)
    app.router.add_post("/token", made.token)
    app.router.add_get("/userinfo", made.show_userinfo)
    async with TestServer(app, handler_cancellation=True) as server:
        made.url = str(server.make_url("")).rstrip("/")
        yield made


def _verifies(granted: Granted, form: Mapping[str, str]) -> bool:
    verifier = form.get("code_verifier", "")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return (
        form.get("grant_type") == "authorization_code"
        and form.get("redirect_uri") == granted.query["redirect_uri"]
        and 43 <= len(verifier) <= 128
        and challenge.decode() == granted.query["code_challenge"]
    )
