"""Forwarding: what the upstream receives, and which error the client gets when it fails."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from authz_gateway.app import create_app
from authz_gateway.settings import GatewaySettings
from shared.contracts.policy import Policy
from shared.process import running
from shared.settings import load_settings
from tests.contract.documented import told
from tests.support.aiohttp_app import serving
from tests.support.waiting import until

NOWHERE = "http://127.0.0.1:1"
ROUTES = """
- {prefix: /pub, access: public, upstream: "${UPSTREAM}"}
- {prefix: /pub/slow, access: public, upstream: "${UPSTREAM}", timeout: 0.3}
- {prefix: /pub/early, access: public, upstream: "${UPSTREAM}", stream: true}
- {prefix: /own, access: public, upstream: "${UPSTREAM}", rewrite: /, cookies: true}
- {prefix: /get, access: public, upstream: "${UPSTREAM}", methods: [GET]}
- {prefix: /gone, access: public, upstream: "http://127.0.0.1:1"}
- {prefix: /locked, access: required, upstream: "${UPSTREAM}"}
- {prefix: /pub/blocked, access: blocked}
"""


async def upstream(request: web.Request) -> web.StreamResponse:
    """Echoes the request, or misbehaves in the way that the path names."""
    match request.path.rsplit("/", 1)[-1]:
        case "slow":
            await asyncio.sleep(3)
        case "broken":
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"part")
            assert request.transport is not None
            request.transport.close()
            return response
        case "early":
            return web.Response(status=403)
        case "switch":
            return web.Response(status=101)
        case "nothing":
            return web.Response(status=204)
        case "unchanged":
            return web.Response(status=304, headers={"ETag": '"1"'})
    answer = web.json_response(
        {
            "target": request.raw_path,
            "headers": [[name.lower(), value] for name, value in request.headers.items()],
            "body": base64.b64encode(await request.read()).decode(),
        },
        headers={"Authorization": "Bearer new", "Connection": "X-Hop", "X-Hop": "1"},
    )
    answer.headers.extend([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return answer


async def policy(_request: web.Request) -> web.Response:
    return web.json_response(Policy(1, ()).to_internal())


async def loaded(gateway: str) -> bool:
    """Whether the gateway has loaded its policy: without one it refuses every call."""
    async with aiohttp.ClientSession() as http, http.get(f"{gateway}/pub") as response:
        return response.status == 200


@pytest.fixture(scope="module")
def routes_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("gateway") / "routes.yaml"
    file.write_text(ROUTES)
    return file


@pytest.fixture(scope="module")
async def gateway(routes_file: Path) -> AsyncIterator[str]:
    """The URL of a gateway with an empty policy; identity-svc and the broker are down."""
    app = web.Application(handler_args={"auto_decompress": False})
    app.router.add_route("*", "/{path:.*}", upstream)
    admin = web.Application()
    admin.router.add_get("/policy", policy)
    async with serving(app) as address, serving(admin) as admin_address:
        environ = {
            "BARONG_PORT": "0",
            "BARONG_INTERNAL_PORT": "0",
            "BARONG_SERVICE_KEYS": "k:" + base64.b64encode(bytes(32)).decode(),
            "BARONG_IDENTITY_INTERNAL_URL": NOWHERE,
            "BARONG_ADMIN_INTERNAL_URL": admin_address,
            "AMQP_URL": "amqp://127.0.0.1:1/",
            "BARONG_ROUTES_FILE": str(routes_file),
            "BARONG_MAX_BODY_BYTES": "1000",
        }
        settings = load_settings(GatewaySettings, environ)
        async with running(create_app(settings, {"UPSTREAM": address})) as addresses:
            await until(partial(loaded, addresses.public))
            yield addresses.public


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


async def received(
    client: aiohttp.ClientSession, method: str, url: str, **kwargs: Any
) -> dict[str, Any]:
    """The request that the upstream received."""
    async with client.request(method, URL(url, encoded=True), **kwargs) as response:
        assert response.status == 200
        body: dict[str, Any] = await response.json()
        return body


@asynccontextmanager
async def connection_with(gateway: str, request: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """A connection on which these bytes were sent, to read the answer."""
    url = URL(gateway)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request)
    try:
        async with asyncio.timeout(30):
            yield reader
    finally:
        writer.close()


async def answered(gateway: str, request: bytes) -> bytes:
    """The whole answer, until the gateway closes the connection."""
    async with connection_with(gateway, request) as answer:
        return await answer.read()


async def status_and_body(gateway: str, head: str, body: bytes = b"") -> tuple[int, Any]:
    """Status and body of the answer; `head`: request line and headers, one per line."""
    lines = [*head.strip().splitlines(), "Host: gateway", "Connection: close", "", ""]
    raw = await answered(gateway, "\r\n".join(lines).encode() + body)
    start, _, content = raw.partition(b"\r\n\r\n")
    return int(start.split()[1]), json.loads(content)


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/pub/%C3%A9/%e2%82%ac/a%3Ab/?a=%zz&b=../|", "/pub/%C3%A9/%e2%82%ac/a%3Ab/?a=%zz&b=../|"),
        ("/own/x/?y", "/x/?y"),
        ("/own", "/"),
    ],
)
async def test_the_authorized_target_is_forwarded(
    client: aiohttp.ClientSession, gateway: str, asked: str, sent: str
) -> None:
    assert (await received(client, "GET", gateway + asked))["target"] == sent


FORGED = {
    "Authorization": "Bearer mine",
    "Connection": "X-Named, keep-alive",
    "Cookie": "a=1; _barong_session=s; b",
    "Forwarded": "for=6.6.6.6",
    "Content_Length": "5",
    "Keep-Alive": "1",
    "Proxy": "http://evil.example",
    "Proxy-Authorization": "Basic x",
    "TE": "trailers",
    "X-Auth-Apikey": "1",
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Host": "evil",
    "X-Forwarded-Proto": "https",
    "X-HTTP-Method-Override": "DELETE",
    "X-Named": "1",
    "X-Original-URL": "/admin",
    "X-Real-IP": "6.6.6.6",
    "X_Auth_Uid": "ID1",
    "X_Anything": "1",
    "X_Forwarded_For": "6.6.6.6",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "tracestate": "a=1",
    "X-Kept": "1",
    "X-Request-Id": "request-1",
}


async def test_headers_for_the_upstream(client: aiohttp.ClientSession, gateway: str) -> None:
    skip = ("Accept", "Accept-Encoding", "User-Agent")
    sent = await received(client, "GET", f"{gateway}/pub", headers=FORGED, skip_auto_headers=skip)
    assert sorted(name_value for name_value in sent["headers"] if name_value[0] != "host") == [
        ["cookie", "a=1; b"],
        ["x-forwarded-for", "6.6.6.6, 127.0.0.1"],
        ["x-forwarded-host", URL(gateway).authority],
        ["x-forwarded-proto", "http"],
        ["x-kept", "1"],
        ["x-request-id", "request-1"],
    ]


async def test_a_route_may_forward_the_clients_own_credentials(
    client: aiohttp.ClientSession, gateway: str
) -> None:
    sent = await received(client, "GET", f"{gateway}/own", headers=FORGED)
    headers = dict(sent["headers"])
    assert headers["cookie"] == FORGED["Cookie"]
    assert headers["authorization"] == FORGED["Authorization"]


async def test_public_routes_forward_signatures(
    client: aiohttp.ClientSession, gateway: str
) -> None:
    signature = {"Signature": "a=:eA==:", "Signature-Input": "a=()", "Content-Digest": "x"}
    sent = await received(client, "GET", f"{gateway}/pub", headers=signature)
    headers = dict(sent["headers"])
    assert {name: headers[name.lower()] for name in signature} == signature


async def test_bytes_beyond_ascii_are_forwarded(gateway: str) -> None:
    head = b"GET /pub HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\nCookie: n=caf\xe9\r\n\r\n"
    answer = await answered(gateway, head)
    # This is how the upstream decodes a byte that is not UTF-8.
    assert ["cookie", "n=caf\udce9"] in json.loads(answer.partition(b"\r\n\r\n")[2])["headers"]


async def test_the_whole_response_is_returned(client: aiohttp.ClientSession, gateway: str) -> None:
    async with client.get(f"{gateway}/pub", headers={"X-Request-Id": "request-2"}) as response:
        assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert response.headers["Authorization"] == "Bearer new"
        assert response.headers.getall("X-Request-Id") == ["request-2"]
        assert "X-Hop" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "nothing", 204), ("GET", "unchanged", 304), ("HEAD", "x", 200), ("HEAD", "slow", 504)],
)
async def test_a_response_without_a_body_ends_with_its_head(
    gateway: str, method: str, path: str, status: int
) -> None:
    line = f"{method} /pub/{path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"
    raw = await answered(gateway, line.encode())
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"transfer-encoding" not in head.lower()
    assert body == b""


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_bodies_are_forwarded_unchanged(client: aiohttp.ClientSession, gateway: str) -> None:
    """Compressed bodies too, and with Content-Length when the client sent one."""
    compressed = {"Content-Encoding": "gzip"}
    sent = await received(client, "PUT", f"{gateway}/pub", data=b"\x1f\x8b\x00", headers=compressed)
    assert base64.b64decode(sent["body"]) == b"\x1f\x8b\x00"
    assert dict(sent["headers"])["content-length"] == "3"
    sent = await received(client, "POST", f"{gateway}/pub", data=chunks(b"ab", b"c"))
    assert base64.b64decode(sent["body"]) == b"abc"
    assert dict(sent["headers"])["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("data", [b"x" * 1001, None])
async def test_bodies_have_a_maximum(
    client: aiohttp.ClientSession, gateway: str, data: bytes | None
) -> None:
    body = data or chunks(b"x" * 500, b"x" * 501)
    async with client.post(f"{gateway}/pub", data=body) as response:
        assert response.status == 413
        assert await response.json() == {"errors": ["request.too_large"]}


CHUNKED = b"3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 3\nContent-Length: 3", b"abc"),
        ("Content-Length: 3\nContent-Length: 4", b"abc"),
        ("Content-Length: 3, 3", b"abc"),
        ("Content-Length: +3", b"abc"),
        ("Content-Length: 3\nTransfer-Encoding: chunked", CHUNKED),
        ("Transfer-Encoding: chunked\nContent-Length: 3", CHUNKED),
        ("Transfer-Encoding: chunked\nTransfer-Encoding: chunked", CHUNKED),
        ("Transfer-Encoding: gzip, chunked", CHUNKED),
        ("Transfer-Encoding: xchunked", CHUNKED),
        ("Transfer-Encoding : chunked", CHUNKED),
        ("Transfer-Encoding: chunked", b"zz\r\nabc\r\n0\r\n\r\n"),
        ("Host: another", b""),
    ],
)
async def test_a_body_with_an_ambiguous_end_is_refused(
    gateway: str, head: str, body: bytes
) -> None:
    lines = ["POST /pub HTTP/1.1", "Host: gateway", "Connection: close", *head.splitlines()]
    answer = await answered(gateway, "\r\n".join([*lines, "", ""]).encode() + body)
    assert answer.split()[1] == b"400"


def documented_codes() -> set[str]:
    """The codes with which the API document says that any call may be refused."""
    return {
        code
        for response in told()["components"]["responses"].values()
        for content in response["content"].values()
        for code in content.get("examples", ())
    }


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("GET /none HTTP/1.1", (404, {"error": "Route is not found"})),
        ("POST /get HTTP/1.1", (404, {"error": "Route is not found"})),
        ("GET /pub/blocked/x HTTP/1.1", (401, {"errors": ["authz.permission_denied"]})),
        ("GET /locked HTTP/1.1", (401, {"errors": ["authz.invalid_session"]})),
        (
            "GET /locked HTTP/1.1\nCookie: _barong_session=s",
            (503, {"errors": ["server.unavailable"]}),
        ),
        ("GET /gone HTTP/1.1", (502, {"errors": ["gateway.bad_gateway"]})),
        ("GET /pub/switch HTTP/1.1", (502, {"errors": ["gateway.bad_gateway"]})),
        ("GET /pub/slow HTTP/1.1", (504, {"errors": ["gateway.timeout"]})),
        ("GET /pub/../locked HTTP/1.1", (400, {"errors": ["request.malformed"]})),
        ("GET /pub/%2e%2e/locked HTTP/1.1", (400, {"errors": ["request.malformed"]})),
        ("GET //gateway/pub HTTP/1.1", (400, {"errors": ["request.malformed"]})),
        ("GET http://gateway/pub HTTP/1.1", (400, {"errors": ["request.malformed"]})),
        ("GET /pub#fragment HTTP/1.1", (400, {"errors": ["request.malformed"]})),
        ("GET /pub/%0a HTTP/1.1", (400, {"errors": ["request.malformed"]})),
        ("GET /api/v2/auth/pub/../x HTTP/1.1", (400, {"errors": ["request.malformed"]})),
        ("GET /api/v2/%61uth/pub HTTP/1.1", (400, {"errors": ["request.malformed"]})),
        ("GET /api/v2/auth/pub/blocked HTTP/1.1", (401, {"errors": ["authz.permission_denied"]})),
        ("GET /api/v2/auth/elsewhere HTTP/1.1", (401, {"errors": ["authz.invalid_session"]})),
        ("GET /api/v2/auth HTTP/1.1", (401, {"errors": ["authz.invalid_session"]})),
    ],
)
async def test_what_is_not_forwarded(gateway: str, line: str, answer: tuple[int, Any]) -> None:
    assert await status_and_body(gateway, line) == answer
    assert set(answer[1].get("errors", ())) <= documented_codes()


async def test_forward_auth_of_a_public_path(client: aiohttp.ClientSession, gateway: str) -> None:
    async with client.delete(f"{gateway}/api/v2/auth/pub/x") as response:
        assert (response.status, await response.read()) == (200, b"")
        assert "Authorization" not in response.headers


async def test_a_broken_response_does_not_look_complete(
    client: aiohttp.ClientSession, gateway: str
) -> None:
    async with client.get(f"{gateway}/pub/broken") as response:
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_an_early_response_is_forwarded(gateway: str) -> None:
    unfinished = b"POST /pub/early HTTP/1.1\r\nHost: gateway\r\nContent-Length: 900\r\n\r\nabc"
    async with connection_with(gateway, unfinished) as answer:
        assert await answer.readline() == b"HTTP/1.1 403 Forbidden\r\n"
