"""Fairness: no client takes all connections, all memory or all time of the gateway."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from authz_gateway.api_document.files import DOCUMENT_PATH
from tests.support.transport import OK, Gateway, Raw, Upstream, gateway, get, small_socket
from tests.support.waiting import until

T = TypeVar("T")
MEGABYTE = 1024 * 1024
ROUTES = """
- {{prefix: /x, access: public, upstream: "{up}", idle: 60}}
- {{prefix: /stream, access: public, upstream: "{up}", stream: true, idle: 60}}
- {{prefix: /ws, access: public, upstream: "{up}", websocket: true, idle: 60}}
"""
ASKS = ("Connection: Upgrade", "Upgrade: websocket")
AGREES = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
NONE: Mapping[str, str] = {}
DEFAULT_TIMING: Mapping[str, float] = {}
PATIENT: Mapping[str, float] = {"connect_seconds": 60.0}
TRUSTING = {"TRUSTED_PROXIES": "127.0.0.1"}
ELSEWHERE = "X-Forwarded-For: 192.0.2.2"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream.listening() as made:
        yield made


@asynccontextmanager
async def serving(
    upstream: Upstream,
    folder: Path,
    settings: Mapping[str, str] = NONE,
    *,
    fast_loop: bool = True,
    timing: Mapping[str, float] = DEFAULT_TIMING,
) -> AsyncIterator[Gateway]:
    """A gateway with these settings, named without `BARONG_`; `timing` as in `gateway`."""
    named = {f"BARONG_{name}": value for name, value in settings.items()}
    routes = ROUTES.format(up=upstream.url)
    async with gateway(folder, routes, fast_loop=fast_loop, settings=named, timing=timing) as made:
        yield made


@asynccontextmanager
async def many(front: Gateway, count: int) -> AsyncIterator[list[Raw]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Raw.to(front.public)) for _ in range(count)]


async def refused(client: Raw) -> tuple[int, list[str]]:
    status, headers, body = await client.answer()
    assert "retry-after" in headers or status == 408
    return status, json.loads(body)["errors"]


POST = get("/x", "Content-Length: 9", method="POST")
CHUNKED = get("/x", "Transfer-Encoding: chunked", method="POST")


@pytest.mark.parametrize("begun", [POST + "abc", CHUNKED + "3\r\nabc\r\n"])
async def test_slow_bodies_occupy_no_connection_to_the_upstream(
    upstream: Upstream, tmp_path: Path, begun: str
) -> None:
    settings = {"UPSTREAM_CONNECTIONS": "2"}
    async with serving(upstream, tmp_path, settings) as front, many(front, 20) as slow:
        for client in slow:
            await client.send(begun)
        async with Raw.to(front.public) as other:
            await other.send(get())
            server = await upstream.next()
            assert (await server.until(b"\r\n")).startswith(b"GET ")
            await server.until(b"\r\n\r\n")
            await server.send(OK)
            assert (await other.answer())[2] == b"ok"
        assert len(upstream.connections) == 1
        # A client whose body is complete is served, on the available connection.
        await slow[0].send("defghi" if begun.startswith(POST) else "0\r\n\r\n")
        assert (await server.until(b"\r\n")).startswith(b"POST ")
        await server.until(b"\r\n\r\n")
        await server.until(b"ghi" if begun.startswith(POST) else b"0\r\n\r\n")
        await server.send(OK)
        assert (await slow[0].answer())[2] == b"ok"


@pytest.mark.parametrize("fast_loop", [True, False])
async def test_a_large_body_is_forwarded_once_its_beginning_arrived(
    upstream: Upstream, tmp_path: Path, fast_loop: bool
) -> None:
    size, beginning = 200_000, 64 * 1024
    async with (
        serving(upstream, tmp_path, fast_loop=fast_loop) as front,
        Raw.to(front.public) as client,
    ):
        await client.send(get("/x", f"Content-Length: {size}", method="POST"))
        await client.send(b"a" * (beginning - 1))
        await client.send(b"b")
        server = await upstream.next()
        await server.head()
        assert await server.exactly(beginning) == b"a" * (beginning - 1) + b"b"
        await client.send(b"c" * (size - beginning))
        assert await server.exactly(size - beginning) == b"c" * (size - beginning)
        await server.send(OK)
        assert (await client.answer())[2] == b"ok"


async def test_pipelined_requests_after_a_slow_body_are_answered(
    upstream: Upstream, tmp_path: Path
) -> None:
    """Also when the answer is ready as soon as the body is complete."""
    settings = {"UPSTREAM_CONNECTIONS": "1"}
    async with (
        serving(upstream, tmp_path, settings) as front,
        Raw.to(front.public) as client,
    ):
        await client.send(POST + "abc")
        await client.send("defghi" + get("/none") + get("/none/2"))
        server = await upstream.next()
        await server.until(b"ghi")
        await server.send(OK)
        assert [(await client.answer())[0] for _ in range(3)] == [200, 404, 404]


async def drip(client: Raw, piece: bytes) -> None:
    while True:
        await client.send(piece)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "settings", [{"BODY_TIMEOUT": "1"}, {"BODY_RATE": "1000"}], ids=["total", "rate"]
)
@pytest.mark.parametrize(
    ("begun", "piece"), [(POST[:-4] + "99\r\n\r\n", b"a"), (CHUNKED, b"1\r\na\r\n")]
)
async def test_a_body_below_the_lowest_rate_gets_408(
    upstream: Upstream,
    tmp_path: Path,
    settings: dict[str, str],
    begun: str,
    piece: bytes,
) -> None:
    """However steadily it arrives."""
    async with (
        serving(upstream, tmp_path, settings, timing={"body_grace_seconds": 0.5}) as front,
        Raw.to(front.public) as client,
    ):
        await client.send(begun)
        dripping = asyncio.create_task(drip(client, piece))
        assert await refused(client) == (408, ["request.timeout"])
        dripping.cancel()
        assert upstream.connections == []


async def test_a_stalled_body_releases_its_connection_to_the_upstream(
    upstream: Upstream, tmp_path: Path
) -> None:
    settings = {"BODY_RATE": str(MEGABYTE)}
    async with (
        serving(upstream, tmp_path, settings, timing={"body_grace_seconds": 0.5}) as front,
        Raw.to(front.public) as client,
    ):
        await client.send(get("/x", "Content-Length: 900000", method="POST"))
        await client.send(bytes(70_000))
        server = await upstream.next()
        await server.head()
        dripping = asyncio.create_task(drip(client, b"a"))
        assert await refused(client) == (408, ["request.timeout"])
        dripping.cancel()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await server.exactly(900_000)


async def test_a_slow_upstream_does_not_cause_408(upstream: Upstream, tmp_path: Path) -> None:
    """The time in which the gateway does not read from the client does not count."""
    size, settings = 20 * MEGABYTE, {"BODY_TIMEOUT": "1", "BODY_RATE": str(MEGABYTE)}
    async with (
        serving(upstream, tmp_path, settings, timing={"body_grace_seconds": 0.2}) as front,
        Raw.to(front.public) as client,
    ):
        await client.send(get("/x", f"Content-Length: {size}", method="POST"))
        sending = asyncio.create_task(client.send(bytes(size)))
        server = await upstream.next()
        await server.head()
        # Longer than the limit for a body: another client's, which began later, is over.
        async with Raw.to(front.public) as other:
            await other.send(get("/x", "Content-Length: 9", method="POST") + "abc")
            assert await refused(other) == (408, ["request.timeout"])
        assert not sending.done()
        await server.exactly(size)
        await sending
        await server.send(OK)
        assert (await client.answer())[2] == b"ok"


async def test_one_client_cannot_use_all_connections(upstream: Upstream, tmp_path: Path) -> None:
    settings = {"UPSTREAM_CONNECTIONS": "10", "UPSTREAM_CLIENT_SHARE": "20"}
    async with (
        serving(upstream, tmp_path, settings | TRUSTING, timing=PATIENT) as front,
        many(front, 6) as greedy,
        Raw.to(front.public) as other,
    ):
        for number, client in enumerate(greedy):
            await client.send(get(f"/x/{number}"))
        servers = [await upstream.next() for _ in range(2)]
        await other.send(get("/x/other", ELSEWHERE))
        own = await upstream.next()
        assert b"/x/other" in await own.until(b"\r\n\r\n")
        await own.send(OK)
        assert (await other.answer())[2] == b"ok"
        # As many calls may wait as are under way; each waits for a call of its own client.
        answers = [asyncio.create_task(client.answer()) for client in greedy]
        statuses = [status for status, _, _ in [await one for one in await first(answers, 2)]]
        assert statuses == [429, 429]
        # A call that waited may take any of the three connections, also the other client's.
        serving_all = [asyncio.create_task(ok_to_all(server)) for server in (*servers, own)]
        assert sorted([(await answer)[0] for answer in answers]) == [200] * 4 + [429] * 2
        assert len(upstream.connections) == 3
        for each in serving_all:
            each.cancel()


async def ok_to_all(server: Raw) -> None:
    """Answers each call on a connection, until it is cancelled."""
    while True:
        await server.until(b"\r\n\r\n")
        await server.send(OK)


async def first(tasks: Sequence[asyncio.Task[T]], count: int) -> list[asyncio.Task[T]]:
    """The first `count` tasks that are done."""

    async def done() -> list[asyncio.Task[T]]:
        found = [task for task in tasks if task.done()]
        return found if len(found) >= count else []

    return await until(done)


async def test_an_ipv6_network_is_one_client(upstream: Upstream, tmp_path: Path) -> None:
    """A subscriber can use every address of their /64."""
    settings = {"UPSTREAM_CONNECTIONS": "2", "TRUSTED_PROXIES": "127.0.0.1"}
    async with (
        serving(upstream, tmp_path, settings, timing=PATIENT) as front,
        many(front, 3) as clients,
    ):
        first, second, other = clients
        await first.send(get("/x/1", "X-Forwarded-For: 2001:db8:0:1::1"))
        server = await upstream.next()
        await second.send(get("/x/2", "X-Forwarded-For: 2001:db8:0:1:ffff::2"))
        await other.send(get("/x/3", "X-Forwarded-For: 2001:db8:0:2::1"))
        assert b"/x/3" in await (await upstream.next()).until(b"\r\n\r\n")
        await server.head()
        await server.send(OK)
        assert (await first.answer())[2] == b"ok"
        assert b"/x/2" in await server.until(b"\r\n\r\n")


async def test_websockets_use_no_connections_of_ordinary_calls(
    upstream: Upstream, tmp_path: Path
) -> None:
    settings = {"UPSTREAM_CONNECTIONS": "1", "WEBSOCKETS_PER_CLIENT": "3", "MAX_WEBSOCKETS": "4"}
    async with (
        serving(upstream, tmp_path, settings | TRUSTING) as front,
        many(front, 3) as clients,
        many(front, 4) as others,
    ):
        servers = []
        for client in clients:
            await client.send(get("/ws", *ASKS))
            servers.append(await upstream.next())
            await servers[-1].head()
            await servers[-1].send(AGREES)
            assert (await client.head())[0] == 101
        await others[0].send(get("/ws", *ASKS))
        assert await refused(others[0]) == (429, ["request.throttled"])
        await others[1].send(get("/x"))
        server = await upstream.next()
        await server.head()
        await server.send(OK)
        assert (await others[1].answer())[2] == b"ok"

        await others[2].send(get("/ws", *ASKS, ELSEWHERE))
        await server.head()
        await server.send(AGREES)
        assert (await others[2].head())[0] == 101
        await others[3].send(get("/ws", *ASKS, ELSEWHERE))
        assert await refused(others[3]) == (503, ["server.unavailable"])

        clients[0].abort()
        assert await servers[0].hung_up()

        async def closed() -> bool:
            return await front.metric("gateway_websockets") == 3

        await until(closed)
        await others[0].send(get("/ws", *ASKS))
        again = await upstream.next()
        await again.head()
        await again.send(AGREES)
        assert (await others[0].head())[0] == 101


async def test_websockets_that_open_at_the_same_time(upstream: Upstream, tmp_path: Path) -> None:
    """When they were requested, there was room for each."""
    settings = {"UPSTREAM_CONNECTIONS": "20", "WEBSOCKETS_PER_CLIENT": "1"}
    async with serving(upstream, tmp_path, settings) as front, many(front, 2) as clients:
        servers = []
        for client in clients:
            await client.send(get("/ws", *ASKS))
            servers.append(await upstream.next())
            await servers[-1].head()
        await servers[0].send(AGREES)
        assert (await clients[0].head())[0] == 101
        await servers[1].send(AGREES)
        assert await refused(clients[1]) == (429, ["request.throttled"])
        assert await servers[1].hung_up()


@pytest.mark.parametrize("trusted", [True, False])
async def test_the_connections_of_one_address_are_limited(
    upstream: Upstream, tmp_path: Path, trusted: bool
) -> None:
    settings = {
        "CONNECTIONS_PER_ADDRESS": "3",
        **({"TRUSTED_PROXIES": "127.0.0.1"} if trusted else {}),
    }
    async with serving(upstream, tmp_path, settings) as front, many(front, 3) as clients:
        for client in clients:
            await client.send(get("/none"))
            assert (await client.answer())[0] == 404
        async with Raw.to(front.public) as another:
            await another.send(get("/none"))
            status, headers, _ = await another.answer()
            assert status == (404 if trusted else 429)
            assert ("retry-after" in headers) is not trusted
        clients[0].abort()

        async def welcome() -> bool:
            async with Raw.to(front.public) as client:
                await client.send(get("/none"))
                return (await client.answer())[0] == 404

        await until(welcome)


@asynccontextmanager
async def who_do_not_read(front: Gateway, count: int) -> AsyncIterator[list[Raw]]:
    raws = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(sock=small_socket(front.public), limit=1024)
        assert isinstance(writer.transport, asyncio.ReadTransport)
        writer.transport.pause_reading()
        raws.append(Raw(reader, writer))
    try:
        yield raws
    finally:
        for raw in raws:
            raw.abort()


@asynccontextmanager
async def traced() -> AsyncIterator[Callable[[], int]]:
    """How many bytes Python has allocated since and not freed, in gateway and test."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]

        def allocated() -> int:
            gc.collect()
            return tracemalloc.get_traced_memory()[0] - before

        yield allocated
    finally:
        tracemalloc.stop()


@asynccontextmanager
async def read_once(client: Raw) -> AsyncIterator[None]:
    """The first client without gzip has the file read from disk; all later ones share it."""
    await client.send(get(DOCUMENT_PATH))
    assert (await client.answer())[0] == 200
    yield


MOST_OF_ONE = 80 * 1024
"""What may be buffered for one client that does not read."""
OTHERWISE = 1024 * 1024
"""What gateway and test allocate besides: attempts to reach a broker, for example."""


@pytest.mark.parametrize("fast_loop", [True, False])
async def test_large_answers_of_the_gateway_are_not_buffered(
    upstream: Upstream, tmp_path: Path, fast_loop: bool
) -> None:
    """Besides what the kernel accepts, the rest is not yet written."""
    count, each = 20, 30
    async with (
        serving(upstream, tmp_path, fast_loop=fast_loop) as front,
        Raw.to(front.public) as first,
        who_do_not_read(front, count) as clients,
        read_once(first),
        traced() as allocated,
    ):
        for client in clients:
            await client.send(get(DOCUMENT_PATH) * each)

        async def stuck() -> bool:
            """Nothing is written any more, although the gateway has got round many times."""
            before = await front.metric("gateway_buffered_bytes")
            for _ in range(5):
                await front.has_read()
            return 0 < before == await front.metric("gateway_buffered_bytes")

        await until(stuck, 120)  # every allocation is being traced
        assert await front.metric("gateway_buffered_bytes") < count * MOST_OF_ONE
        assert allocated() < count * MOST_OF_ONE + OTHERWISE
        assert isinstance(clients[0].writer.transport, asyncio.ReadTransport)
        clients[0].writer.transport.resume_reading()
        whole = None
        for _ in range(each):
            status, _, body = await clients[0].answer()
            assert status == 200
            assert whole in (None, body)
            whole = body
        assert json.loads(whole or b"")["openapi"]
        await clients[0].send(get("/none"))
        assert (await clients[0].answer())[0] == 404


async def test_the_memory_of_all_clients_is_limited(upstream: Upstream, tmp_path: Path) -> None:
    """The client that began to fill it first is disconnected first."""
    count, most = 40, MEGABYTE
    async with (
        serving(upstream, tmp_path, {"MAX_BUFFERED_BYTES": str(most)}) as front,
        Raw.to(front.public) as idle,
        who_do_not_read(front, count) as clients,
    ):
        for client in clients:
            await client.send(get("/x/large"))
            server = await upstream.next()
            await server.head()
            server.writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + bytes(9_000_000)
            )

        async def cut() -> bool:
            return await front.metric('gateway_connections_cut_total{reason="memory"}') > 0

        await until(cut)
        assert await front.metric("gateway_buffered_bytes") <= most
        await idle.send(get("/none"))
        assert (await idle.answer())[0] == 404
        for client in clients:
            client.abort()

        async def empty() -> bool:
            return await front.metric("gateway_buffered_bytes") == 0

        await until(empty)


@pytest.mark.parametrize("fast_loop", [True, False])
@pytest.mark.parametrize("path", ["/x", "/stream", "/ws"])
async def test_what_an_upstream_does_not_read_is_counted(
    upstream: Upstream, tmp_path: Path, path: str, fast_loop: bool
) -> None:
    """A body, or what a client says over a WebSocket."""
    size = 64 * MEGABYTE  # far more than the kernel takes
    async with (
        serving(upstream, tmp_path, {"MAX_BODY_BYTES": str(size)}, fast_loop=fast_loop) as front,
        Raw.to(front.public) as client,
    ):
        if path == "/ws":
            await client.send(get(path, *ASKS))
        else:
            client.writer.write(get(path, f"Content-Length: {size}", method="POST").encode())
            client.writer.write(bytes(70_000))
        server = await upstream.next()
        assert isinstance(server.writer.transport, asyncio.ReadTransport)
        await server.head()
        if path == "/ws":
            await server.send(AGREES)
            assert (await client.head())[0] == 101
        server.writer.transport.pause_reading()
        client.writer.write(bytes(size - 70_000))

        async def counted() -> bool:
            return 16_384 <= await front.metric("gateway_buffered_bytes") < MEGABYTE

        await until(counted)
        server.abort()

        async def empty() -> bool:
            return await front.metric("gateway_buffered_bytes") == 0

        await until(empty)


async def test_a_request_that_waits_for_its_answer_is_counted(
    upstream: Upstream, tmp_path: Path
) -> None:
    """The gateway keeps it, because it may have to be sent again."""
    async with serving(upstream, tmp_path) as front, Raw.to(front.public) as client:
        await client.send(get("/x", "Content-Length: 60000", method="POST") + "a" * 60_000)
        server = await upstream.next()
        await server.head()
        await server.exactly(60_000)
        assert await front.metric("gateway_buffered_bytes") > 60_000
        await server.send(OK)
        assert (await client.answer())[0] == 200
        assert await front.metric("gateway_buffered_bytes") == 0


@pytest.mark.parametrize("kind", ["head", "body"])
async def test_an_idle_connection_uses_little_memory(
    upstream: Upstream, tmp_path: Path, kind: str
) -> None:
    count = 200
    cookie = f"Cookie: {'a' * 4000}; " + "; ".join(f"c{n}={'b' * 60}" for n in range(350))
    large = get("/none", cookie)
    if kind == "body":
        large = get("/none", "Content-Length: 60000", method="POST") + "a" * 60_000
    only_ours = tracemalloc.Filter(True, "*authz_gateway*")

    def held() -> int:
        gc.collect()
        snapshot = tracemalloc.take_snapshot().filter_traces([only_ours])
        return sum(trace.size for trace in snapshot.traces)

    async with serving(upstream, tmp_path) as front, many(front, count) as clients:
        for client in clients:
            await client.send(get("/none"))
            await client.answer()
        tracemalloc.start()
        try:
            before = held()
            for client in clients:
                await client.send(large)
                await client.answer()
            assert (held() - before) / count < 4096
        finally:
            tracemalloc.stop()
