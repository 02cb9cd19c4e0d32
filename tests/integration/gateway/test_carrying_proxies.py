"""Forward auth: nginx and Envoy forward calls to APIs, and ask the gateway about each."""

import asyncio
import base64
import gzip
import json
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import psutil
import pytest
from aiohttp import web
from yarl import URL

from authz_gateway.routing.route_table import DECISION_PATH
from deploy.local import ports
from shared.process import running
from tests.support.aiohttp_app import serving
from tests.support.api_keys import Key, Owner
from tests.support.carrying_proxies import envoy, nginx, traefik_configuration
from tests.support.client import USER_AGENT, Client
from tests.support.internal import tables_of_admin
from tests.support.system import ROOT, Installation
from tests.support.transport import NOWHERE, Raw, Upstream
from tests.support.waiting import until

PROXIES = ("nginx", "envoy", "envoy-grpc")
ROUTES = """
- {prefix: /trade/public, access: public, upstream: "http://127.0.0.1:1"}
- {prefix: /trade/slow, access: public, upstream: "http://127.0.0.1:1", rate: 1/h}
"""
CLIENT = "127.0.0.9"  # no proxy, and no address that Envoy treats specially
KEPT_OUT = {"127.0.0.71": 471, "127.0.0.23": 423, "127.0.0.3": 403, CLIENT: 0}

FORGED = {
    "Forwarded": "for=6.6.6.6",
    "X-Auth-Email": "evil@example.com",
    "X-Auth-Groups": "evil",
    "X-Auth-Request-Email": "evil@example.com",
    "X-Auth-Request-Groups": "evil",
    "X-Auth-Request-User": "evil",
    "X-Auth-Roles": "evil",
    "X-Auth-Token": "forged",
    "X-Auth-User": "evil",
    "X-Forwarded-Access-Token": "forged",
    "X-Forwarded-Client-Cert": "forged",
    "X-Forwarded-Email": "evil@example.com",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Groups": "evil",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Method": "DELETE",
    "X-Forwarded-Path": "/admin",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Preferred-Username": "evil",
    "X-Forwarded-Prefix": "/admin",
    "X-Forwarded-Proto": "evil",
    "X-Forwarded-Scheme": "evil",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Ssl": "evil",
    "X-Forwarded-Uri": "/admin",
    "X-Forwarded-User": "evil",
    "X-HTTP-Method": "DELETE",
    "X-HTTP-Method-Override": "DELETE",
    "X-Method-Override": "DELETE",
    "X-Original-URL": "/admin",
    "X-Real-IP": "6.6.6.6",
    "X-Rewrite-URL": "/admin",
}
FORGED_FOR_CGI = {name.replace("-", "_"): value for name, value in FORGED.items() if "-" in name}
"""Many servers read underscores as hyphens."""

MADE_ANEW_BY_TRAEFIK = {
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto"),
    *("X-Forwarded-Server", "X-Real-IP"),
}


async def echo(request: web.Request) -> web.Response:
    """An API that echoes the request."""
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": base64.b64encode(await request.read()).decode(),
        }
    )


@asynccontextmanager
async def an_api() -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    async with serving(app) as url:
        yield url


@dataclass(frozen=True, slots=True)
class Stage:
    """A gateway for decisions, also over gRPC, and the API that the proxy forwards calls to."""

    gateway: str
    api: str
    decisions: str

    def behind(self, proxy: str, folder: Path) -> AbstractAsyncContextManager[str]:
        """A proxy before them; gives its URL."""
        if proxy == "nginx":
            return nginx(folder, self.gateway, self.api)
        if proxy == "envoy":
            return envoy(folder, self.gateway, self.api)
        return envoy(folder, self.gateway, self.api, "grpc.yaml", self.decisions)


def addresses_of_this_machine() -> list[str]:
    """The addresses of this machine: Envoy appends one of them to X-Forwarded-For."""
    return [
        each.address
        for interface in psutil.net_if_addrs().values()
        for each in interface
        if each.family is socket.AF_INET
    ]


@pytest.fixture(scope="module")
async def stage(
    system: Installation, admin: Client, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """Its policy allows members to trade, and restricts some addresses."""
    rule = {"role": "member", "verb": "ALL", "path": "trade", "action": "ACCEPT"}
    audit = {"role": "member", "verb": "POST", "path": "trade/audited", "action": "AUDIT"}
    made = [await admin.post("admin/permissions", each) for each in (rule, audit)]
    for address, code in KEPT_OUT.items():
        if code:
            category = "maintenance" if code == 471 else "blacklist"
            form = {"category": category, "scope": "ip", "value": address, "code": code}
            made.append(await admin.post("admin/restrictions", form))
    assert {answer.status for answer in made} == {201}
    routes = tmp_path_factory.mktemp("routes") / "routes.yaml"
    routes.write_text((ROOT / "deploy/config/routes.yaml").read_text() + ROUTES)
    [decisions] = ports.free_ports(1)
    service = system.service(
        "gateway",
        BARONG_PORT="0",
        BARONG_EXT_AUTHZ_PORT=str(decisions),
        BARONG_INTERNAL_PORT="0",
        BARONG_ROUTES_FILE=str(routes),
        BARONG_TRUSTED_PROXIES=",".join(addresses_of_this_machine()),
        BARONG_THROTTLING="true",
    )
    async with an_api() as api, running(service) as addresses:
        yield Stage(addresses.public, api, f"http://127.0.0.1:{decisions}")
    paths = ("permissions", "permissions", *["restrictions"] * len(made))
    for row, path in zip(made, paths, strict=False):
        await admin.call("DELETE", f"admin/{path}", params={"id": row.body["id"]})


@pytest.fixture(scope="module", params=PROXIES)
async def proxy(
    request: pytest.FixtureRequest, stage: Stage, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The URL of the proxy in front of the API, once the gateway has loaded its policy."""
    folder = tmp_path_factory.mktemp(request.param)
    async with stage.behind(request.param, folder) as url:

        async def decides() -> bool:
            return (await call(f"{url}/trade/public"))[0] == 200

        await until(decides)
        yield url


async def call(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "GET",
    address: str = CLIENT,
    body: Any = None,
) -> tuple[int, Any]:
    """Status and body of the answer to a call from this address."""
    from_there = aiohttp.TCPConnector(local_addr=(address, 0))
    jar = aiohttp.DummyCookieJar()
    async with (
        aiohttp.ClientSession(connector=from_there, cookie_jar=jar) as http,
        http.request(
            method,
            URL(url, encoded=True),
            headers={"User-Agent": USER_AGENT, **(headers or {})},
            data=body,
        ) as got,
    ):
        return got.status, await got.json()


@pytest.fixture
async def member(client: Client) -> Client:
    await client.become_member()
    return client


def cookie_of(member: Client) -> dict[str, str]:
    return {"Cookie": f"_barong_session={member.cookie}; theme=dark"}


async def test_a_member_is_forwarded_with_their_own_token(proxy: str, member: Client) -> None:
    target = "/trade/orders/%C3%A9?x=%20&y=../"
    status, seen = await call(proxy + target, cookie_of(member))
    assert (status, seen["method"], seen["target"]) == (200, "GET", target)
    scheme, _, token = seen["headers"]["authorization"].partition(" ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (scheme, claims["email"]) == ("Bearer", member.email)
    assert "cookie" not in seen["headers"]


async def test_a_change_is_forwarded_with_its_body(proxy: str, member: Client) -> None:
    headers = {**cookie_of(member), "X-CSRF-Token": member.csrf_token}
    body = b'{"amount": "%d"}' % 10**50
    status, seen = await call(f"{proxy}/trade/orders", headers, method="POST", body=body)
    assert (status, seen["method"], base64.b64decode(seen["body"])) == (200, "POST", body)
    assert "x-csrf-token" not in seen["headers"]
    for verb in ("POST", "PURGE"):
        without = await call(f"{proxy}/trade/orders", cookie_of(member), method=verb, body=body)
        assert without == (401, {"errors": ["authz.missing_csrf_token"]})


async def test_a_withheld_body_is_recorded_as_unknown(
    proxy: str, member: Client, system: Installation, request: pytest.FixtureRequest
) -> None:
    marker = secrets.token_hex(8)
    headers = {**cookie_of(member), "X-CSRF-Token": member.csrf_token}
    url = f"{proxy}/trade/audited?uid=INNOCENT&marker={marker}"
    typed = headers | {"Content-Type": "application/x-www-form-urlencoded"}
    status, seen = await call(url, typed, method="POST", body=b"uid=VICTIM")
    assert (status, base64.b64decode(seen["body"])) == (200, b"uid=VICTIM")

    async def kept() -> list[Any]:
        async with tables_of_admin(system) as tables:
            return await tables.fetch(
                "SELECT target_uid, data FROM activities WHERE data LIKE '%' || $1 || '%'", marker
            )

    [row] = await until(kept)
    shown = json.loads(row["data"])
    if "nginx" in request.node.name:
        assert (row["target_uid"], shown["body"], shown["uid"]) == (None, "not shown", "INNOCENT")
    else:
        assert (row["target_uid"], shown["uid"]) == ("VICTIM", "VICTIM")


async def test_an_encoded_body_of_an_audited_call_is_refused(proxy: str, member: Client) -> None:
    headers = {**cookie_of(member), "X-CSRF-Token": member.csrf_token, "Content-Encoding": "gzip"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    url = f"{proxy}/trade/audited"
    refused = await call(url, headers | form, method="POST", body=gzip.compress(b"uid=VICTIM"))
    assert refused == (415, {"errors": ["request.unsupported_encoding"]})


@pytest.mark.parametrize(
    ("path", "headers", "refused"),
    [
        ("/trade/orders", {}, (401, "authz.invalid_session")),
        ("/trade/orders", {"Authorization": "Bearer forged"}, (401, "jwt.decode_and_verify")),
        ("/trade/orders", {"X-Auth-Apikey": "x"}, (422, "authz.invalid_api_key_headers")),
        ("/trade/public/../orders", {}, (400, "request.malformed")),
        ("/trade//public", {}, (400, "request.malformed")),
        ("/", {"X-Forwarded-Uri": "/trade/public"}, (401, "authz.invalid_session")),
    ],
)
async def test_an_anonymous_client_gets_the_reason(
    proxy: str, path: str, headers: dict[str, str], refused: tuple[int, str]
) -> None:
    status, code = refused
    assert await call(proxy + path, headers) == (status, {"errors": [code]})


@pytest.mark.parametrize(("address", "status"), KEPT_OUT.items())
async def test_a_restricted_client_gets_the_restrictions_status(
    proxy: str, address: str, status: int
) -> None:
    """Whatever headers the client sends."""
    headers = {"X-Forwarded-For": CLIENT}
    got, body = await call(f"{proxy}/trade/public", headers, address=address)
    assert got == (status or 200)
    if status:
        category = "maintenance" if status == 471 else "blacklist"
        assert body == {"errors": [f"authz.restrict.{category}"]}


async def test_forgeable_headers_are_not_forwarded(proxy: str, member: Client) -> None:
    forged = FORGED | FORGED_FOR_CGI
    for path, headers in (
        ("/trade/orders", forged | cookie_of(member)),
        ("/trade/public", forged | {"Authorization": "Bearer forged", "Cookie": "a=1"}),
    ):
        status, seen = await call(proxy + path, headers)
        assert status == 200
        assert "close" not in seen["headers"].get("connection", "")
        believed = {
            name for name in seen["headers"] if name.startswith(("x-auth-", "x-forwarded-"))
        }
        assert believed <= {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
        assert not [name for name in seen["headers"] if "_" in name]
        values = " ".join(seen["headers"].values())
        for word in ("evil", "/admin", "DELETE", "forged", "for=6.6.6.6"):
            assert word not in values
        assert "cookie" not in seen["headers"]
        assert ("authorization" in seen["headers"]) == (path == "/trade/orders")
        assert seen["headers"]["x-forwarded-for"].endswith(CLIENT)


async def test_nginx_keeps_its_connections(tmp_path: Path) -> None:
    """To the API, to the gateway, and to the decision endpoint."""
    heads: list[bytes] = []

    async def serve(raw: Raw) -> None:
        while True:
            heads.append(await raw.until(b"\r\n\r\n"))
            body = "" if b" /api/v2/auth/" in heads[-1] else "{}"
            head = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
            await raw.send(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")

    async with (
        Upstream.listening(serve) as barong,
        Upstream.listening(serve) as api,
        nginx(tmp_path, barong.url, api.url) as url,
    ):
        for _ in range(3):
            for path in ("/trade/orders", "/resource/users/me"):
                assert await call(url + path) == (200, {})
        assert (len(heads), len(barong.connections), len(api.connections)) == (9, 1, 1)
    assert not [head for head in heads if b"connection:" in head.lower()]


async def test_a_call_above_the_rate_gets_retry_after(
    proxy: str, request: pytest.FixtureRequest
) -> None:
    [name] = [each for each in PROXIES if f"[{each}]" in request.node.name]
    address = f"127.0.0.4{PROXIES.index(name)}"
    assert (await call(f"{proxy}/trade/slow", address=address))[0] == 200
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.get(f"{proxy}/trade/slow") as got,
    ):
        assert (got.status, await got.json()) == (429, {"errors": ["request.throttled"]})
        assert 3500 < int(got.headers["Retry-After"]) <= 3600


async def test_barongs_own_calls_go_to_the_gateway(proxy: str, member: Client) -> None:
    for path in ("/api/v2/barong/resource/users/me", "/resource/users/me"):
        status, me = await call(proxy + path, cookie_of(member))
        assert (status, me["email"]) == (200, member.email)
    status, keys = await call(f"{proxy}/.well-known/jwks.json")
    assert (status, set(keys)) == (200, {"keys"})
    refused = await call(f"{proxy}/resource/users/me")
    assert refused == (401, {"errors": ["authz.invalid_session"]})


@pytest.fixture(params=["hmac-sha256", "ed25519"])
async def signing_key(request: pytest.FixtureRequest, owner: Owner) -> Key:
    """One key of each kind that accepts message signatures only."""
    if request.param == "ed25519":
        return await owner.new_ed25519_key()
    return await owner.new_key(algorithm=request.param)


async def test_a_call_with_a_message_signature(proxy: str, signing_key: Key) -> None:
    target = "/trade/orders/%C3%A9/?a=1&b=%20"
    authority = URL(proxy).authority
    more = [('"@authority"', authority), ('"@target-uri"', f"http://{authority}{target}")]
    headers = signing_key.message_signed("GET", target, more=more)
    status, seen = await call(proxy + target, headers)
    assert (status, seen["target"]) == (200, target)
    assert not {"signature", "signature-input", "cookie"} & seen["headers"].keys()
    assert seen["headers"]["authorization"].startswith("Bearer ")
    assert await call(proxy + target, headers) == (401, {"errors": ["authz.nonce_used"]})
    for other in ("/trade/orders/%C3%A9?a=1&b=%20", "/trade/orders/%C3%A9/?a=1"):
        headers = signing_key.message_signed("GET", target)
        assert await call(proxy + other, headers) == (401, {"errors": ["authz.invalid_signature"]})
    forged = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    more = [('"@target-uri"', f"https://evil.example{target}")]
    headers = {**signing_key.message_signed("GET", target, more=more), **forged}
    assert await call(proxy + target, headers) == (401, {"errors": ["authz.invalid_signature"]})


BODY = b'{"amount": 1}'
UNSEEN = (422, {"errors": ["authz.body_not_handed_over"]})
UNCOVERED = (422, {"errors": ["authz.missing_component"]})
MISMATCH = (401, {"errors": ["authz.content_digest_mismatch"]})


async def chunks() -> AsyncIterator[bytes]:
    yield BODY


@pytest.mark.parametrize(
    ("method", "signed", "sent", "behind_nginx", "behind_envoy"),
    [
        # With its digest: nginx sends no body to check it against.
        ("POST", BODY, BODY, UNSEEN, 200),
        ("DELETE", BODY, BODY, UNSEEN, 200),
        ("GET", BODY, BODY, UNSEEN, 200),
        ("POST", BODY, chunks, UNSEEN, 200),
        ("POST", b"", b"", 200, 200),
        ("DELETE", b"", None, 200, 200),
        ("GET", None, None, 200, 200),
        # With another body than the signed one.
        ("POST", BODY, BODY + b" ", UNSEEN, MISMATCH),
        ("POST", b"", BODY, UNSEEN, MISMATCH),
        ("POST", b"", chunks, UNSEEN, MISMATCH),
        ("DELETE", b"", BODY, UNSEEN, MISMATCH),
        ("GET", b"", BODY, UNSEEN, MISMATCH),
        # Without a digest, with and without a body.
        ("POST", None, BODY, UNSEEN, UNCOVERED),
        ("POST", None, chunks, UNSEEN, UNCOVERED),
        ("POST", None, b"", UNCOVERED, UNCOVERED),
        ("PUT", None, None, UNCOVERED, UNCOVERED),
        ("DELETE", None, None, UNCOVERED, UNCOVERED),
        ("DELETE", None, BODY, UNSEEN, UNCOVERED),
        ("GET", None, BODY, UNSEEN, UNCOVERED),
    ],
)
async def test_a_body_must_be_the_signed_one(
    proxy: str,
    key: Key,
    request: pytest.FixtureRequest,
    method: str,
    signed: bytes | None,
    sent: Any,
    behind_nginx: Any,
    behind_envoy: Any,
) -> None:
    expected = behind_nginx if "[nginx" in request.node.name else behind_envoy
    headers = key.message_signed(method, "/trade/orders?a=1", signed)
    body = sent() if callable(sent) else sent
    status, seen = await call(f"{proxy}/trade/orders?a=1", headers, method=method, body=body)
    if expected == 200:
        assert (status, base64.b64decode(seen["body"])) == (200, signed or b"")
    else:
        assert (status, seen) == expected


@pytest.mark.parametrize(
    ("body", "sent", "expected"),
    [
        (BODY, BODY, 200),
        (b"", b"", 200),
        (BODY, b"", "authz.content_digest_mismatch"),
        (b"", BODY, "authz.content_digest_mismatch"),
        (None, b"", "authz.missing_component"),
        (None, BODY, "authz.missing_component"),
    ],
)
async def test_calls_through_traefik_may_be_signed(
    stage: Stage, key: Key, body: bytes | None, sent: bytes, expected: int | str
) -> None:
    """It sends method, target, scheme and host in headers, and the body as well."""
    target = "/trade/orders?a=1"
    more = [('"@target-uri"', f"https://api.example.com{target}")]
    headers = {
        **key.message_signed("POST", target, body, more=more),
        "X-Forwarded-Method": "POST",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "api.example.com",
        "X-Forwarded-Uri": target,
        "X-Forwarded-For": CLIENT,
    }
    async with (
        aiohttp.ClientSession() as http,
        http.get(stage.gateway + DECISION_PATH, headers=headers, data=sent) as got,
    ):
        assert (got.status if got.status == 200 else (await got.json())["errors"][0]) == expected


async def test_bodies_without_signatures_pass_nginx(proxy: str, member: Client) -> None:
    """Without a signature, the body goes to the API only."""
    headers = {**cookie_of(member), "X-CSRF-Token": member.csrf_token}
    for body in (BODY, chunks()):
        status, seen = await call(f"{proxy}/trade/orders", headers, method="POST", body=body)
        assert (status, base64.b64decode(seen["body"])) == (200, BODY)


@pytest.mark.parametrize(
    ("guess", "address"),
    [
        ({"Cookie": "_barong_session=x"}, "198.51.100.1"),
        ({"Authorization": "Bearer x"}, "198.51.100.2"),
    ],
    ids=["of a cookie", "of a bearer"],
)
async def test_failed_calls_are_limited_on_paths_without_a_route(
    stage: Stage, member: Client, guess: dict[str, str], address: str
) -> None:
    url = f"{stage.gateway}{DECISION_PATH}/trade/orders"
    here, elsewhere = {"X-Forwarded-For": address}, {"X-Forwarded-For": CLIENT}
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:

        async def status_of(headers: Mapping[str, str]) -> int:
            async with http.get(url, headers={"User-Agent": USER_AGENT, **headers}) as got:
                return got.status

        async def too_many() -> bool:
            return 429 in await asyncio.gather(*(status_of(guess | here) for _ in range(200)))

        await until(too_many)
        assert await status_of(guess | elsewhere) == 401
        known = [status_of(cookie_of(member) | elsewhere) for _ in range(200)]
        assert set(await asyncio.gather(*known)) == {200}


@pytest.mark.parametrize("name", PROXIES)
async def test_without_the_gateway_every_call_is_refused(
    name: str, stage: Stage, tmp_path: Path
) -> None:
    async with (
        Stage(NOWHERE, stage.api, NOWHERE).behind(name, tmp_path) as proxy,
        aiohttp.ClientSession() as http,
        http.get(f"{proxy}/trade/public") as got,
    ):
        assert got.status == 503


async def test_calls_through_traefik_are_decided(stage: Stage, member: Client) -> None:
    """Traefik is not available here: the test sends what its documentation describes."""
    configuration: Any = traefik_configuration()["http"]
    api = configuration["routers"]["api"]
    assert set(api["middlewares"]) == set(configuration["middlewares"])
    assert {each["service"] for each in configuration["routers"].values()} == set(
        configuration["services"]
    )
    forward = configuration["middlewares"]["barong-decision"]["forwardAuth"]
    assert URL(forward["address"]).path == DECISION_PATH
    assert (forward["trustForwardHeader"], forward["authResponseHeaders"]) == (
        False,
        ["Authorization"],
    )

    removed = configuration["middlewares"]["without-credentials"]["headers"]["customRequestHeaders"]
    assert set(removed.values()) == {""}
    assert not (FORGED.keys() | FORGED_FOR_CGI) - MADE_ANEW_BY_TRAEFIK - removed.keys()
    assert not removed.keys() & MADE_ANEW_BY_TRAEFIK

    url = stage.gateway + DECISION_PATH
    asked = {
        "X-Forwarded-Method": "POST",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "api.example.com",
        "X-Forwarded-Uri": "/trade/orders?a=1",
        "X-Forwarded-For": CLIENT,
        "User-Agent": USER_AGENT,
    }
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        for headers, status in (
            (asked, 401),
            (asked | cookie_of(member), 401),
            (asked | cookie_of(member) | {"X-CSRF-Token": member.csrf_token}, 200),
            (asked | cookie_of(member) | {"X-Forwarded-Method": "GET"}, 200),
            (asked | {"X-Forwarded-Uri": "/trade/public"}, 200),
            (asked | {"X-Forwarded-Uri": "/trade/../public"}, 400),
            (asked | {"X-Forwarded-For": "127.0.0.71"}, 471),
        ):
            async with http.get(url, headers=headers) as got:
                assert got.status == status, headers
                assert ("Authorization" in got.headers) == (status == 200 and "Cookie" in headers)
