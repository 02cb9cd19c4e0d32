"""WebSockets through the gateway: where they are allowed, forwarding, and when they end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from shared.contracts.policy import Policy, Restriction
from shared.process import running
from tests.support.aiohttp_app import serving
from tests.support.api_keys import API_KEYS, Owner
from tests.support.client import USER_AGENT, Client
from tests.support.revocations import REVOCATIONS, subject_of
from tests.support.system import ROOT, Installation
from tests.support.transport import PATIENT, Flood, Gateway, Raw, Upstream, gateway, get
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("forgotten")

MEGABYTE = 1024 * 1024
ROUTES = """
- {{prefix: /ws, access: public, upstream: "{up}", websocket: true}}
- {{prefix: /plain, access: public, upstream: "{up}"}}
- {{prefix: /locked, access: required, upstream: "{up}", websocket: true}}
"""
ASKS = (
    "Connection: keep-alive, Upgrade",
    "Upgrade: WebSocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
)
AGREES = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
AGREES += b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"


def asking(path: str, *lines: str) -> str:
    return get(path, *(lines or ASKS))


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
async def front(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    folder, routes = tmp_path_factory.mktemp(request.param), ROUTES.format(up=upstream.url)
    async with gateway(folder, routes, fast_loop=request.param == "uvloop") as made:
        yield made


@pytest.fixture
async def raw(front: Gateway) -> AsyncIterator[Raw]:
    async with Raw.to(front.public) as made:
        yield made


async def opened(raw: Raw, upstream: Upstream, early: bytes = b"") -> Raw:
    """The upstream's end of a WebSocket."""
    await raw.send(asking("/ws").encode() + early)
    server = await upstream.next()
    _, headers = await server.head()
    assert (headers["connection"], headers["upgrade"]) == ("Upgrade", "websocket")
    assert headers["sec-websocket-key"]
    await server.send(AGREES)
    status, headers = await raw.head()
    assert (status, headers["connection"].lower(), headers["upgrade"]) == (
        *(101, "upgrade", "websocket"),
    )
    assert headers["sec-websocket-accept"]
    return server


async def test_bytes_are_copied_unchanged_in_both_directions(raw: Raw, upstream: Upstream) -> None:
    server = await opened(raw, upstream, early=b"early")
    assert await server.exactly(5) == b"early"
    for sender, receiver in ((raw, server), (server, raw)):
        await sender.send(b"GET /\r\n\r\n\x00\xff")
        assert await receiver.exactly(11) == b"GET /\r\n\r\n\x00\xff"


async def test_bytes_right_after_the_101_are_not_lost(raw: Raw, upstream: Upstream) -> None:
    await raw.send(asking("/ws"))
    server = await upstream.next()
    await server.head()
    await server.send(AGREES + b"hello")
    assert (await raw.head())[0] == 101
    assert await raw.exactly(5) == b"hello"


@pytest.mark.parametrize("who", ["client", "server"])
async def test_when_one_side_closes_so_does_the_other(
    raw: Raw, upstream: Upstream, who: str
) -> None:
    server = await opened(raw, upstream)
    leaving, other = (raw, server) if who == "client" else (server, raw)
    await leaving.send(b"bye")
    leaving.writer.close()
    assert await other.exactly(3) == b"bye"
    assert await other.hung_up()


@pytest.mark.parametrize("who", ["client", "server"])
async def test_a_side_that_does_not_read_causes_backpressure(
    raw: Raw, upstream: Upstream, front: Gateway, who: str
) -> None:
    server = await opened(raw, upstream)
    sender, receiver = (raw, server) if who == "client" else (server, raw)
    size = 50 * MEGABYTE
    async with Flood.through(sender, size) as flood:
        assert await flood.stuck(front) < size / 2
        left = size
        while left:
            left -= len(await receiver.exactly(MEGABYTE))


@pytest.mark.parametrize("fast_loop", [True, False], ids=["uvloop", "asyncio"])
async def test_a_silent_websocket_is_closed(
    upstream: Upstream, tmp_path: Path, fast_loop: bool
) -> None:
    routes, settings = ROUTES.format(up=upstream.url), {"BARONG_WEBSOCKET_TIMEOUT": "1"}
    async with (
        gateway(tmp_path, routes, fast_loop=fast_loop, settings=settings) as front,
        Raw.to(front.public) as raw,
    ):
        server = await opened(raw, upstream)
        assert await raw.hung_up()
        assert await server.hung_up()


async def test_open_websockets_are_counted(raw: Raw, upstream: Upstream, front: Gateway) -> None:
    async def none_is_open() -> bool:
        return await front.metric("gateway_websockets") == 0

    await until(none_is_open)
    await opened(raw, upstream)
    assert await front.metric("gateway_websockets") == 1
    raw.abort()
    await until(none_is_open)


async def test_an_upstream_may_refuse(raw: Raw, upstream: Upstream) -> None:
    await raw.send(asking("/ws"))
    server = await upstream.next()
    await server.head()
    await server.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    status, _, body = await raw.answer()
    assert (status, body) == (403, b"no")
    await raw.send(asking("/none"))
    assert (await raw.answer())[0] == 404


@pytest.mark.parametrize(
    "lines",
    [
        ("Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: x"),
        ("Connection: Upgrade", "Upgrade: websocket, h2c"),
        ("Connection: Upgrade", "Upgrade: websocket", "Content-Length: 3"),
        ("Upgrade: websocket",),
        ("Connection: Upgrade",),
    ],
)
async def test_nothing_else_is_upgraded(
    raw: Raw, upstream: Upstream, lines: tuple[str, ...]
) -> None:
    body = "abc" if "Content-Length: 3" in lines else ""
    await raw.send(asking("/ws", *lines) + body)
    server = await upstream.next()
    _, headers = await server.head()
    assert "upgrade" not in headers
    assert "connection" not in headers
    assert await server.exactly(len(body)) == body.encode()
    await server.send(AGREES)
    assert (await raw.answer())[0] == 502
    assert await server.hung_up()


async def test_a_route_without_websockets_forwards_an_ordinary_request(
    raw: Raw, upstream: Upstream
) -> None:
    await raw.send(asking("/plain"))
    server = await upstream.next()
    _, headers = await server.head()
    assert "upgrade" not in headers
    await server.send(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
    assert (await raw.answer())[0] == 426


async def test_an_upstream_may_not_switch_to_something_else(raw: Raw, upstream: Upstream) -> None:
    await raw.send(asking("/ws"))
    server = await upstream.next()
    await server.head()
    await server.send(b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert (await raw.answer())[0] == 502


async def test_a_refused_call_gets_no_websocket(raw: Raw, upstream: Upstream) -> None:
    await raw.send(asking("/locked"))
    assert (await raw.answer())[0] == 401


async def test_websockets_end_with_the_gateway(upstream: Upstream, tmp_path: Path) -> None:
    async with (
        gateway(tmp_path, ROUTES.format(up=upstream.url), settings=PATIENT) as made,
        Raw.to(made.public) as raw,
    ):
        server = await opened(raw, upstream)
        made.stop()
        assert await raw.hung_up()
        assert await server.hung_up()


KEPT_OUT = "192.0.2.77"
KEEPING_OUT = Policy(2, (), (Restriction("blacklist", "ip", KEPT_OUT, 401),))


async def asked_for(raw: Raw, upstream: Upstream, address: str) -> Raw:
    """The upstream's end of an anonymous client's WebSocket, before the upstream agrees."""
    await raw.send(asking("/ws", *ASKS, f"X-Forwarded-For: {address}"))
    server = await upstream.next()
    await server.head()
    return server


async def agreed(raw: Raw, server: Raw) -> None:
    await server.send(AGREES)
    assert (await raw.head())[0] == 101


@pytest.mark.parametrize("when", ["while it is open", "before the upstream agrees"])
async def test_a_restriction_ends_websockets_of_anonymous_clients(
    upstream: Upstream, tmp_path: Path, when: str
) -> None:
    """And no other user's."""
    policies, routes = [Policy(1, ())], ROUTES.format(up=upstream.url)
    believes_us = {"BARONG_TRUSTED_PROXIES": "127.0.0.1/32"}
    async with (
        gateway(tmp_path, routes, settings=believes_us, policies=policies) as made,
        Raw.to(made.public) as lost,
        Raw.to(made.public) as kept,
        aiohttp.ClientSession(headers={"X-Forwarded-For": KEPT_OUT}) as http,
    ):
        server = await asked_for(lost, upstream, KEPT_OUT)
        others = await asked_for(kept, upstream, "192.0.2.78")
        await agreed(kept, others)
        if when == "while it is open":
            await agreed(lost, server)
        policies.append(KEEPING_OUT)

        async def restricted() -> bool:
            async with http.get(f"{made.public}/api/v2/auth/ws") as answer:
                return answer.status == 401

        await until(restricted)
        if when == "before the upstream agrees":
            await agreed(lost, server)
        assert await lost.hung_up()
        assert await server.hung_up()
        await kept.send(b"still")
        assert await others.exactly(5) == b"still"
        assert await made.metric("gateway_websockets") == 1


FEED = """
- {{prefix: /feed, access: required, upstream: "{echo}", scope: feed, websocket: true}}
- {{prefix: /feed/late, access: required, upstream: "{up}", websocket: true}}
"""


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Sends the scheme of the caller's Authorization, then echoes every message."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str(request.headers["Authorization"].partition(" ")[0])
    async for message in socket:
        await socket.send_str(message.data)
    return socket


@pytest.fixture(scope="module")
async def feed(
    system: Installation,
    admin: Client,
    upstream: Upstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[str]:
    """The URL of a WebSocket for members, behind a separate gateway."""
    rule = {"role": "member", "verb": "ALL", "path": "feed", "action": "ACCEPT"}
    assert (await admin.post("admin/permissions", rule)).status == 201
    app = web.Application()
    app.router.add_get("/feed", echo)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(app))
        routes = tmp_path_factory.mktemp("feed") / "routes.yaml"
        routes_of_feed = FEED.format(echo=url, up=upstream.url)
        routes.write_text((ROOT / "deploy/config/routes.yaml").read_text() + routes_of_feed)
        ports = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
        service = system.service("gateway", **ports, BARONG_ROUTES_FILE=str(routes))
        addresses = await stack.enter_async_context(running(service))

        async def allowed() -> bool:
            """Whether the gateway has its policy, receives events, and knows the new permission."""
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"{addresses.public}/feed") as got,
                http.get(f"{addresses.internal}/metrics") as metrics,
            ):
                return got.status == 401 and "gateway_hears_events 1.0" in await metrics.text()

        await until(allowed)
        yield f"{addresses.public}/feed"


ENDED = (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)


async def says_hello(socket: aiohttp.ClientWebSocketResponse) -> None:
    assert await socket.receive_str(timeout=10) == "Bearer"
    await socket.send_str("hello")
    assert await socket.receive_str(timeout=10) == "hello"


@pytest.mark.parametrize("change", ["log-out", "ban", "password reset", "deletion of a key"])
async def test_a_websocket_that_is_no_longer_allowed_is_closed(
    feed: str, client: Client, admin: Client, change: str
) -> None:
    """And no other user does."""
    revocation = await REVOCATIONS[change](await subject_of(client, admin))
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession())
        other = await stack.enter_async_context(Client(client.system))
        await other.become_member()
        cookie = {"Cookie": f"_barong_session={other.cookie}", "User-Agent": USER_AGENT}
        lost = await stack.enter_async_context(http.ws_connect(feed, headers=revocation.headers()))
        kept = await stack.enter_async_context(http.ws_connect(feed, headers=cookie))
        for socket in (lost, kept):
            await says_hello(socket)
        await revocation.make()
        assert (await lost.receive(timeout=10)).type in ENDED
        await kept.send_str("hello")
        assert await kept.receive_str(timeout=10) == "hello"


@pytest.mark.parametrize("change", ["log-out", "ban"])
async def test_an_event_before_the_upgrade_takes_effect(
    feed: str, upstream: Upstream, client: Client, admin: Client, change: str
) -> None:
    revocation = await REVOCATIONS[change](await subject_of(client, admin))
    headers = revocation.headers()
    lines = (f"{name}: {value}" for name, value in headers.items())
    async with Raw.to(feed) as raw, aiohttp.ClientSession(headers=headers) as http:
        await raw.send(asking("/feed/late", *ASKS, *lines))
        server = await upstream.next()
        await server.head()
        await revocation.make()

        async def let_in_no_more() -> bool:
            async with http.get(feed) as answer:
                return answer.status == 401

        await until(let_in_no_more)
        await agreed(raw, server)
        assert await raw.hung_up()
        assert await server.hung_up()


async def test_a_removed_permission_closes_it(feed: str, client: Client, admin: Client) -> None:
    await client.become_member()
    cookie = {"Cookie": f"_barong_session={client.cookie}", "User-Agent": USER_AGENT}
    rule = {"role": "member", "verb": "GET", "path": "feed", "action": "DROP"}
    async with aiohttp.ClientSession() as http, http.ws_connect(feed, headers=cookie) as socket:
        await says_hello(socket)
        made = await admin.post("admin/permissions", rule)
        assert made.status == 201
        assert (await socket.receive(timeout=10)).type in ENDED
        await admin.call("DELETE", "admin/permissions", {"id": made.body["id"]})

        async def let_in_again() -> bool:
            async with http.get(feed, headers=cookie) as answer:
                return answer.status != 401

        await until(let_in_again)


@pytest.mark.parametrize("algorithm", ["HS256", "ed25519"])
async def test_a_key_that_loses_the_scope_closes_it(
    feed: str, owner: Owner, algorithm: str
) -> None:
    make = owner.new_key if algorithm == "HS256" else owner.new_ed25519_key
    key = await make(scope="feed,trade")

    def signed() -> dict[str, str]:
        if algorithm == "HS256":
            return key.signed()
        return key.message_signed("GET", urlsplit(feed).path)

    async def rescope(scope: str) -> None:
        form = await owner.form(scope=scope)
        assert (await owner.browser.call("PATCH", f"{API_KEYS}/{key.kid}", form)).status == 200

    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(feed, headers=signed()) as socket,
    ):
        await says_hello(socket)
        await rescope("feed")
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=10) == "hello"
        await rescope("trade")
        assert (await socket.receive(timeout=10)).type in ENDED
        async with http.get(feed, headers=signed()) as answer:
            assert await answer.json() == {"errors": ["authz.invalid_permission"]}
