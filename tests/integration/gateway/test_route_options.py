"""Options of routes: raw paths and case-insensitive paths."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.support.transport import OK, Gateway, Raw, Upstream, gateway, get

pytestmark = pytest.mark.usefixtures("forgotten")

ROUTES = """
- {{prefix: /files, access: public, upstream: "{up}", path: raw}}
- {{prefix: /files/private, access: blocked}}
- {{prefix: /cut, access: public, upstream: "{up}", path: raw, rewrite: /v1}}
- {{prefix: /strict, access: public, upstream: "{up}"}}
- {{prefix: /shop, access: public, upstream: "{up}", case_insensitive: true}}
- {{prefix: /shop/Admin, access: blocked}}
- {{prefix: /trailing, access: public, upstream: "{up}", trailers: true}}
- {{prefix: /locked, access: required, upstream: "{up}", path: raw}}
- {{prefix: /both, access: public, methods: [GET], upstream: "{up}"}}
- {{prefix: /both, access: required, methods: [POST], upstream: "{up}"}}
"""
MALFORMED = (400, "request.malformed")
BLOCKED = (401, "authz.permission_denied")
NOBODY = (401, "authz.invalid_session")


@pytest.fixture(scope="module")
async def front(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    routes = ROUTES.format(up=upstream.url)
    async with gateway(tmp_path_factory.mktemp("routes"), routes) as made:
        yield made


@pytest.fixture
async def client(front: Gateway) -> AsyncIterator[Raw]:
    async with Raw.to(front.public) as made:
        yield made


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("/files/a%2Fb?x=%2F", "/files/a%2Fb?x=%2F"),
        ("/files//a;v=1/b;", "/files//a;v=1/b;"),
        ("/cut//x%2fy", "/v1//x%2fy"),
        ("/files/plain", "/files/plain"),
        ("/shop/ORDERS/1", "/shop/ORDERS/1"),
    ],
)
async def test_the_requested_path_is_forwarded(
    client: Raw, upstream: Upstream, asked: str, sent: str
) -> None:
    await client.send(get(asked))
    server = await upstream.next()
    head = await server.until(b"\r\n\r\n")
    assert head.startswith(f"GET {sent} HTTP/1.1\r\n".encode())
    await server.send(OK)
    assert (await client.answer())[0] == 200


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/files/private//x", MALFORMED),
        ("/files/private%2Fx", MALFORMED),
        ("/files/private/x", BLOCKED),
        ("/files//private/x", MALFORMED),
        ("/files/private;x/y", MALFORMED),
        ("/files/x%2F..%2Fprivate", MALFORMED),
        ("/files/..;/private", MALFORMED),
        ("/files%2Fx", MALFORMED),
        ("/strict/a%2Fb", MALFORMED),
        ("/strict//a", MALFORMED),
        ("/strict/a;b", MALFORMED),
        ("//identity/time", MALFORMED),
        ("/identity;x/time", MALFORMED),
        ("/api/v2/barong/openapi.json;x", MALFORMED),
        ("/nothing//x", MALFORMED),
        ("/shop/ADMIN/x", BLOCKED),
        ("/shop/admin", BLOCKED),
        ("/locked//x", NOBODY),
        ("/api/v2/auth/locked//x", NOBODY),
        ("/api/v2/auth/strict//x", MALFORMED),
        ("/api/v2/auth/elsewhere//x", MALFORMED),
        ("/api/v2/auth//x", MALFORMED),
    ],
)
async def test_refused_paths(client: Raw, asked: str, expected: tuple[int, str]) -> None:
    await client.send(get(asked))
    status, _, body = await client.answer()
    assert (status, *json.loads(body)["errors"]) == expected


async def test_the_method_selects_among_routes_of_one_prefix(
    client: Raw, upstream: Upstream
) -> None:
    await client.send(get("/both/x"))
    server = await upstream.next()
    await server.head()
    await server.send(OK)
    assert (await client.answer())[0] == 200
    await client.send(get("/both/x", method="POST"))
    assert (await client.answer())[0] == 401
    await client.send(get("/both/x", method="PUT"))
    assert (await client.answer())[0] == 404


ANNOUNCING = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
    b"Trailer: X-Sum, Content-Length, Set-Cookie, Server-Timing, X-Barong-Changed\r\n\r\n"
)
TRAILING = (
    b"2\r\nok\r\n0\r\nX-Sum: 1\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\nServer-Timing: db\r\n"
    b"X-Barong-Changed: policy\r\nX-Other: 2\r\n\r\n"
)
OK_CHUNKED = b"2\r\nok\r\n0\r\n\r\n"
WANTED = ("TE: trailers", "Connection: TE")


@pytest.mark.parametrize(
    ("path", "lines", "asked_upstream", "announced", "end"),
    [
        (
            *("/trailing/x", WANTED, "trailers", "server-timing, x-sum"),
            b"2\r\nok\r\n0\r\nX-Sum: 1\r\nServer-Timing: db\r\n\r\n",
        ),
        ("/trailing/x", (), None, None, OK_CHUNKED),
        ("/strict/x", WANTED, None, None, OK_CHUNKED),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_trailers_are_forwarded_to_clients_that_accept_them(
    client: Raw,
    upstream: Upstream,
    path: str,
    lines: tuple[str, ...],
    asked_upstream: str | None,
    announced: str | None,
    end: bytes,
    at_once: bool,
) -> None:
    await client.send(get(path, *lines))
    server = await upstream.next()
    _, asked = await server.head()
    assert asked.get("te") == asked_upstream
    for part in (ANNOUNCING + TRAILING,) if at_once else (ANNOUNCING, TRAILING[:20], TRAILING[20:]):
        await server.send(part)
    _, headers = await client.head()
    assert headers.get("trailer") == announced
    assert await client.until(b"\r\n\r\n") == end
    await client.send(get("/strict/y"))
    await server.head()
    await server.send(OK)
    assert (await client.answer())[2] == b"ok"


async def test_trailers_of_a_request_are_dropped(client: Raw, upstream: Upstream) -> None:
    head = get("/trailing/x", "Transfer-Encoding: chunked", "Trailer: X", method="POST")
    await client.send(head + "2\r\nhi\r\n0\r\nX: 1\r\n\r\n")
    server = await upstream.next()
    _, asked = await server.head()
    assert "trailer" not in asked
    assert await server.until(b"0\r\n\r\n") == b"2\r\nhi\r\n0\r\n\r\n"
    await server.send(OK)
    assert (await client.answer())[2] == b"ok"
