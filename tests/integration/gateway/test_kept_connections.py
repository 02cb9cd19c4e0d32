"""Many requests on persistent connections: the last is answered like the first.

Whether the caller may still call is checked each time: `test_decision_cache.py`.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.transport import OK, PATIENT, Gateway, Raw, Upstream, gateway, get
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("forgotten")

ROUTES = """
- {{prefix: /x, access: public, upstream: "{up}", timeout: 5, idle: 60, rate: 9999/s,
   reuse_bodyless: true}}
- {{prefix: /hasty, access: public, upstream: "{up}", timeout: 0.1, idle: 60}}
- {{prefix: /rare, access: public, upstream: "{up}", idle: 60, rate: 6/m}}
"""
OFTEN = 4

Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
async def front(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    folder = tmp_path_factory.mktemp(request.param)
    routes, settings = ROUTES.format(up=upstream.url), {"BARONG_THROTTLING": "true"}
    fast_loop = request.param == "uvloop"
    async with gateway(folder, routes, fast_loop=fast_loop, settings=settings) as made:
        yield made


@pytest.fixture
async def client(front: Gateway) -> AsyncIterator[Raw]:
    async with Raw.to(front.public) as made:
        yield made


async def repeated(client: Raw, upstream: Upstream, request: str) -> Raw:
    """Repeats a request until everything is cached; returns its connection to the upstream."""
    await client.send(request)
    server = await upstream.next()
    await server.head()
    body = b"" if request.startswith("HEAD") else b"ok"
    for number in range(OFTEN + 1):
        if number:
            await client.send(request)
            await server.head()
        await server.send(OK.removesuffix(b"ok") + body)
        assert (await client.head())[0] == 200
        assert await client.exactly(len(body)) == body
    return server


def alike(answer: Answer) -> Answer:
    """The part of an answer that is the same for all answers to a request."""
    status, headers, body = answer
    ids = {"x-request-id", "date"}
    return status, {name: value for name, value in headers.items() if name not in ids}, body


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize(
    "parts",
    [
        (OK,),
        (OK[:9], OK[9:]),
        (OK[:-2], OK[-2:]),
        (OK[:-1], OK[-1:]),
        (OK.replace(b"ok", b"no"),),
        (OK.replace(b" 2", b" 3") + b"k",),
        (OK.replace(b"200 OK", b"404 Not Found"),),
        (OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"),),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nok\r\n0\r\n\r\n"),
        (b"HTTP/1.1 204 No Content\r\n\r\n",),
        (b"HTTP/1.1 304 Not Modified\r\nETag: a\r\n\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n", OK),
        (b"HTTP/1.1 101 Switching Protocols\r\nContent-Length: 2\r\n\r\nok",),
    ],
    ids=lambda parts: repr(b"|".join(parts))[:60],
)
async def test_each_response_reaches_the_client_like_the_first(
    front: Gateway, upstream: Upstream, client: Raw, version: str, parts: tuple[bytes, ...]
) -> None:
    request = get("/x", "Connection: keep-alive", version=version)

    async def answered(server: Raw, whom: Raw) -> Answer:
        for part in parts:
            await server.send(part)
            await front.has_read()
        return alike(await whom.answer())

    async with Raw.to(front.public) as another:
        await another.send(request)
        first = await upstream.next()
        await first.head()
        expected = await answered(first, another)
        first.abort()

    server = await repeated(client, upstream, request)
    await client.send(request)
    await server.head()
    assert await answered(server, client) == expected


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"+",
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        OK.replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
)
async def test_a_closed_connection_is_not_reused(
    client: Raw, upstream: Upstream, answer: bytes
) -> None:
    server = await repeated(client, upstream, get())
    await client.send(get())
    await server.head()
    await server.send(answer)
    assert (await client.answer())[2] == b"ok"
    assert await server.hung_up()
    await client.send(get())
    another = await upstream.next()
    await another.head()
    await another.send(OK)
    assert (await client.answer())[2] == b"ok"


async def test_each_request_has_its_own_id(client: Raw, upstream: Upstream) -> None:
    request = get("/x", "X-Kept: 1")
    server = await repeated(client, upstream, request)
    seen, sent = [], []
    for _ in range(OFTEN):
        await client.send(request)
        _, headers = await server.head()
        await server.send(OK)
        _, answered, _ = await client.answer()
        assert headers["x-request-id"] == answered["x-request-id"]
        seen.append(headers.pop("x-request-id"))
        sent.append(headers)
    assert len(set(seen)) == OFTEN
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in seen)
    assert all(headers == sent[0] and headers["x-kept"] == "1" for headers in sent)


async def test_a_request_id_of_the_client_is_forwarded(client: Raw, upstream: Upstream) -> None:
    request = get("/x", "X-Request-Id: mine")
    server = await repeated(client, upstream, request)
    await client.send(request)
    assert (await server.head())[1]["x-request-id"] == "mine"
    await server.send(OK)
    assert (await client.answer())[1]["x-request-id"] == "mine"


async def test_repeated_head_requests(client: Raw, upstream: Upstream) -> None:
    request = get(method="HEAD")
    server = await repeated(client, upstream, request)
    await client.send(request)
    assert (await server.until(b"\r\n")).startswith(b"HEAD /x ")
    await server.until(b"\r\n\r\n")
    await server.send(OK[:-2])
    status, headers = await client.head()
    assert (status, headers["content-length"]) == (200, "2")


@pytest.mark.parametrize(("method", "sent_twice"), [("GET", True), ("POST", False)])
async def test_only_idempotent_requests_are_repeated(
    client: Raw, upstream: Upstream, method: str, sent_twice: bool
) -> None:
    request = get("/x", "Content-Length: 0", method=method)
    stale = await repeated(client, upstream, request)
    await client.send(request)
    await stale.head()
    stale.abort()
    if sent_twice:
        server = await upstream.next()
        await server.head()
        await server.send(OK)
        assert (await client.answer())[2] == b"ok"
    else:
        assert (await client.answer())[0] == 502
        assert upstream.arrived.empty()


async def test_requests_continue_after_a_failure(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    request = get()
    server = await repeated(client, upstream, request)
    for _ in range(OFTEN):
        # The connection is available, and no answer to /hasty is ever sent.
        await client.send(get("/hasty"))
        await server.head()
        assert (await client.answer())[0] == 504
        assert await server.hung_up()
        for failure in (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", OK):
            await client.send(request)
            server = await upstream.next()
            await server.head()
            await server.send(failure)
            assert (await client.answer())[0] == int(failure[9:12])
            if failure != OK:
                server.abort()
                await asyncio.sleep(0)  # now it is closed
                await front.has_read()


async def test_a_disconnect_aborts_the_call(client: Raw, upstream: Upstream) -> None:
    server = await repeated(client, upstream, get())
    await client.send(get())
    await server.head()
    client.abort()
    assert await server.hung_up()


async def test_pipelined_requests_are_answered_in_order(client: Raw, upstream: Upstream) -> None:
    server = await repeated(client, upstream, get())
    await client.send(get() * 2)
    await client.send(get())
    for number in range(3):
        await server.head()
        await server.send(OK.replace(b"ok", b"#%d" % number))
        assert (await client.answer())[2] == b"#%d" % number


async def test_other_requests_in_between_are_not_mixed_up(client: Raw, upstream: Upstream) -> None:
    server = await repeated(client, upstream, get("/x/a"))
    for path in ("/x/b", "/x/a", "/none", "/x/a", "/x/a", "/x/../a", "/x/a"):
        await client.send(get(path))
        if path in ("/x/a", "/x/b"):
            assert (await server.until(b"\r\n")).startswith(f"GET {path} ".encode())
            await server.until(b"\r\n\r\n")
            await server.send(OK)
            assert (await client.answer())[0] == 200
        else:
            assert (await client.answer())[0] in (400, 404)


async def test_each_request_is_counted_once(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    async def counted(name: str, labels: str) -> float:
        async with aiohttp.ClientSession() as http, http.get(f"{front.internal}/metrics") as got:
            found = re.search(rf"^{name}{{{labels}}} (\S+)$", await got.text(), re.MULTILINE)
        return float(found[1]) if found else 0

    series = (
        ("gateway_decisions_total", 'reason="public"'),
        ("http_requests_total", 'method="GET",route="/x",status="200"'),
        ("http_request_duration_seconds_count", 'method="GET",route="/x"'),
        ("gateway_upstream_seconds_count", 'route="/x"'),
    )
    before = [await counted(*each) for each in series]
    await repeated(client, upstream, get())
    after = [await counted(*each) for each in series]
    assert [now - then for now, then in zip(after, before, strict=True)] == [OFTEN + 1] * 4


async def test_each_request_counts_towards_the_rate(upstream: Upstream, tmp_path: Path) -> None:
    settings = {"BARONG_THROTTLING": "true"}
    async with (
        gateway(tmp_path, ROUTES.format(up=upstream.url), settings=settings) as made,
        Raw.to(made.public) as client,
    ):
        server = await repeated(client, upstream, get("/rare"))
        await client.send(get("/rare"))
        await server.head()
        await server.send(OK)
        assert (await client.answer())[0] == 200
        for number in range(1, 3):
            await client.send(get("/rare"))
            status, headers, _ = await client.answer()
            assert (status, int(headers["retry-after"]) > 0) == (429, True)
            assert await made.metric('gateway_throttled_total{route="/rare"}') == number
            assert (
                await made.metric('gateway_decisions_total{reason="request.throttled"}') == number
            )


@pytest.mark.parametrize("fast_loop", [True, False])
async def test_the_last_request_gets_connection_close(
    upstream: Upstream, tmp_path: Path, fast_loop: bool
) -> None:
    routes = ROUTES.format(up=upstream.url)
    async with (
        gateway(tmp_path, routes, fast_loop=fast_loop, settings=PATIENT) as made,
        Raw.to(made.public) as idle,
        Raw.to(made.public) as client,
    ):
        server = await repeated(client, upstream, get())
        await client.send(get())
        await server.head()
        made.stop()
        assert await idle.hung_up()
        await server.send(OK)
        _, headers, _ = await client.answer()
        assert headers["connection"] == "close"
        assert await client.hung_up()


async def test_disconnected_clients_are_forgotten(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    await repeated(client, upstream, get())
    before = await front.metric("gateway_client_connections")
    client.abort()

    async def gone() -> bool:
        return await front.metric("gateway_client_connections") == before - 1

    await until(gone)
