"""Reuse of connections to upstreams: no response reaches another client."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.transport import OK, Gateway, Raw, Upstream, gateway, get

pytestmark = pytest.mark.usefixtures("forgotten")

SOON = 20.0
"""Seconds; shorter than `idle`, after which a connection is closed anyway."""

ROUTES = """
- {{prefix: /x, access: public, upstream: "{up}", timeout: 5, idle: 60}}
- {{prefix: /stream, access: public, upstream: "{up}", timeout: 5, stream: true, idle: 60}}
- {{prefix: /quiet, access: public, upstream: "{up}", timeout: 5, reuse_bodyless: true, idle: 60}}
- {{prefix: /ws, access: public, upstream: "{up}", websocket: true, idle: 60}}
"""
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nSet-Cookie: a=attacker\r\n\r\npoison"
KELVIN = "\N{KELVIN SIGN}"


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
async def front(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    folder, fast = tmp_path_factory.mktemp(request.param), request.param == "uvloop"
    async with gateway(folder, ROUTES.format(up=upstream.url), fast_loop=fast) as made:
        yield made


@pytest.fixture
async def client(front: Gateway) -> AsyncIterator[Raw]:
    async with Raw.to(front.public) as made:
        yield made


async def asked(client: Raw, upstream: Upstream, request: str) -> Raw:
    """The new connection to the upstream on which a request arrived."""
    await client.send(request)
    server = await upstream.next()
    await server.head()
    return server


async def answered_on(client: Raw, server: Raw, path: str = "/x/next") -> None:
    """Asserts that another call uses this connection, and gets its own response."""
    await client.send(get(path))
    assert (await server.until(b"\r\n")).startswith(f"GET {path} ".encode())
    await server.until(b"\r\n\r\n")
    await server.send(OK)
    assert (await client.answer())[2] == b"ok"


BODYLESS = [
    ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("HEAD", b"HTTP/1.1 404 Not Found\r\n\r\n"),
    ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n"),
    ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n"),
]


@pytest.mark.parametrize(("method", "head"), BODYLESS)
async def test_a_late_body_is_not_read_as_a_response(
    client: Raw, upstream: Upstream, front: Gateway, method: str, head: bytes
) -> None:
    """As gunicorn 23 with threads does: it sends a body after the response to HEAD."""
    server = await asked(client, upstream, get("/x/attack", method=method))
    await server.send(head)
    await client.head()
    async with Raw.to(front.public) as victim:
        await victim.send(get("/x/victim", "Content-Length: 0", method="POST"))
        await server.send(POISON)
        own = await upstream.next()
        assert (await own.until(b"\r\n")).startswith(b"POST /x/victim ")
        await own.send(OK)
        status, headers, body = await victim.answer()
        assert (status, body, "set-cookie" in headers) == (200, b"ok", False)
    assert await server.hung_up(SOON)


@pytest.mark.parametrize(
    ("path", "method", "head"),
    [
        *(("/quiet", method, head) for method, head in BODYLESS),
        ("/x", "HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("/x", "GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n"),
    ],
)
async def test_a_connection_is_reused_when_no_body_can_follow(
    client: Raw, upstream: Upstream, path: str, method: str, head: bytes
) -> None:
    """Because the operator allows it, or because the forbidden body would be empty."""
    server = await asked(client, upstream, get(path, method=method))
    await server.send(head)
    await client.head()
    await answered_on(client, server)


@pytest.mark.parametrize(("method", "head"), BODYLESS)
async def test_unexpected_bytes_close_an_idle_connection(
    client: Raw, upstream: Upstream, method: str, head: bytes
) -> None:
    server = await asked(client, upstream, get("/quiet", method=method))
    await server.send(head + b"x")
    await client.head()
    assert await server.hung_up(SOON)


@pytest.mark.parametrize(
    "early", [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"]
)
async def test_an_early_response_is_the_last_on_its_connection(
    client: Raw, upstream: Upstream, front: Gateway, early: bytes
) -> None:
    """However both end: an early response may belong to something else than was sent."""
    request = get("/stream", "Content-Length: 6", method="POST")
    server = await asked(client, upstream, request + "abc")
    assert await server.exactly(3) == b"abc"
    await server.send(early)
    if early.endswith(b"o"):
        await client.until(b"\r\n\r\no")
    else:
        await front.has_read()
    await client.send("def")
    assert await server.exactly(3) == b"def"
    await server.send(OK[len(early) :])
    await client.until(b"k")
    assert await server.hung_up(SOON)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nConnection: keep-alive, CLOSE\r\nContent-Length: 2\r\n\r\nok", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", True),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n",
            True,
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nx", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK, True),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"\r\n", False),
    ],
)
@pytest.mark.parametrize("cut", [0, -1])
async def test_a_response_that_ends_by_its_own_framing(
    client: Raw, upstream: Upstream, front: Gateway, answer: bytes, kept: bool, cut: int
) -> None:
    """And no byte follows it, whether it arrives in one piece or its last byte separately."""
    server = await asked(client, upstream, get("/x", method="POST"))
    pieces = (answer[:cut], answer[cut:]) if cut else (answer,)
    for piece in pieces:
        await server.send(piece)
        await front.has_read()
    status, headers = await client.head()
    if status == 103:
        status, headers = await client.head()
    assert status == 200
    await client.until(b"0\r\n\r\n" if "transfer-encoding" in headers else b"ok")
    if kept:
        await answered_on(client, server)
    else:
        assert await server.hung_up(SOON)


@pytest.mark.parametrize("announced", ["Content-Length: 5", "Transfer-Encoding: chunked"])
async def test_an_interim_response_has_no_body(
    client: Raw, upstream: Upstream, announced: str
) -> None:
    server = await asked(client, upstream, get())
    await server.send(f"HTTP/1.1 103 Early Hints\r\n{announced}\r\n\r\n12345".encode() + OK)
    while (answer := await client.head())[0] == 103:
        assert not {"content-length", "transfer-encoding"} & set(answer[1])
    assert answer[0] == 502
    assert await server.hung_up(SOON)


HIDDEN = {
    "server": "theirs/1",
    "access-control-allow-origin": "https://theirs.example",
    "x-request-id": "theirs",
}


@pytest.mark.parametrize("status", ["103 Early Hints", "200 OK", "101 Switching Protocols"])
async def test_the_same_headers_are_removed_from_all_responses(
    client: Raw, upstream: Upstream, status: str
) -> None:
    switching = status.startswith("101")
    asks = ("Connection: Upgrade", "Upgrade: websocket") if switching else ()
    server = await asked(client, upstream, get("/ws" if switching else "/x", *asks))
    lines = [f"{name}: {value}" for name, value in HIDDEN.items()]
    lines += ["Connection: Upgrade, X-Named", "Upgrade: websocket", "X-Named: 1", "Link: </a>"]
    await server.send("\r\n".join((f"HTTP/1.1 {status}", *lines, "", "")))
    got, headers = await client.head()
    assert str(got) in status
    assert headers["link"] == "</a>"
    assert "x-named" not in headers
    assert {headers.get(name) for name in HIDDEN}.isdisjoint(HIDDEN.values())


@pytest.mark.parametrize(
    "coding", [f"chun{KELVIN}ed", f"CHUN{KELVIN}ED", "chunked\N{NO-BREAK SPACE}"]
)
async def test_similar_unicode_letters_are_not_ascii(client: Raw, coding: str) -> None:
    """`str.lower` turns the Kelvin sign into `k`."""
    request = get("/x", f"Transfer-Encoding: {coding}", method="POST")
    await client.send(request + "2\r\nab\r\n0\r\n\r\n")
    assert (await client.answer())[0] == 400


async def test_keep_alive_of_http_1_0_is_ascii(client: Raw, upstream: Upstream) -> None:
    await client.send(get("/none", f"Connection: {KELVIN}eep-alive", version="1.0"))
    _, headers, _ = await client.answer()
    assert headers["connection"] == "close"
    assert await client.hung_up()


async def test_fields_of_responses_are_ascii_too(client: Raw, upstream: Upstream) -> None:
    server = await asked(client, upstream, get("/x"))
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chun{KELVIN}ed\r\n\r\n0\r\n\r\n"
    await server.send(head.encode())
    assert (await client.answer())[0] == 502


async def test_upgrade_is_ascii(client: Raw, upstream: Upstream) -> None:
    await client.send(get("/ws", "Connection: Upgrade", f"Upgrade: websoc{KELVIN}et"))
    server = await upstream.next()
    assert "upgrade" not in (await server.head())[1]


@pytest.mark.parametrize("body", [b"", b"abc"])
async def test_no_call_fails_when_an_upstream_closes_early(
    client: Raw, upstream: Upstream, body: bytes
) -> None:
    """It closes while the request is on its way, before it has accepted a byte."""
    request = get("/x", f"Content-Length: {len(body)}", method="POST").encode() + body
    for _ in range(40):
        await client.send(request)
        server = await upstream.next()
        await server.until(b"\r\n\r\n")
        assert await server.exactly(len(body)) == body
        await server.send(OK)
        assert (await client.answer())[0] == 200
        server.writer.close()
        await asyncio.sleep(0)  # meanwhile it is closed, whether or not the gateway has noticed


async def test_connections_are_idle_as_long_as_the_route_allows(
    upstream: Upstream, tmp_path: Path
) -> None:
    routes = f'- {{prefix: /x, access: public, upstream: "{upstream.url}", idle: 0.2}}'
    async with gateway(tmp_path, routes) as made, Raw.to(made.public) as client:
        server = await asked(client, upstream, get())
        await server.send(OK)
        await client.answer()
        assert await server.hung_up(SOON)
        again = await asked(client, upstream, get(method="POST"))
        await again.send(OK)
        assert (await client.answer())[0] == 200
