"""The gateway as a proxy: streaming, persistent connections, retries and aborts."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import structlog
from structlog.testing import capture_logs

from tests.support.transport import (
    OK,
    PATIENT,
    Flood,
    Gateway,
    Raw,
    Upstream,
    gateway,
    get,
    small_socket,
)
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("forgotten")

MEGABYTE = 1024 * 1024
SOON = 20.0
"""Seconds; shorter than `idle`, after which a connection is closed anyway."""

ROUTES = """
- {{prefix: /x, access: public, upstream: "{up}", timeout: 5, idle: 60}}
- {{prefix: /stream, access: public, upstream: "{up}", timeout: 5, idle: 60, stream: true}}
- {{prefix: /quiet, access: public, upstream: "{up}", timeout: 5, idle: 60, reuse_bodyless: true}}
- {{prefix: /patient, access: public, upstream: "{up}", timeout: 60, idle: 60}}
- {{prefix: /hasty, access: public, upstream: "{up}", timeout: 0.2, idle: 60, stream: true}}
- {{prefix: /gone, access: public, upstream: "http://127.0.0.1:1"}}
- {{prefix: /nameless, access: public, upstream: "http://nowhere.invalid"}}
- {{prefix: /named, access: public, upstream: "{named}", idle: 60}}
- {{prefix: /locked, access: required, upstream: "{up}", idle: 60}}
"""
LIMITS = {
    "BARONG_MAX_BODY_BYTES": str(64 * MEGABYTE),
    "BARONG_MAX_URL_BYTES": "4000",
    "BARONG_MAX_HEADER_BYTES": "8000",
    "BARONG_MAX_HEADERS": "50",
}


def code(body: bytes) -> list[str]:
    errors: list[str] = json.loads(body)["errors"]
    return errors


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
async def front(
    request: pytest.FixtureRequest, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    routes = ROUTES.format(up=upstream.url, named=upstream.url.replace("127.0.0.1", "localhost"))
    folder = tmp_path_factory.mktemp(request.param)
    async with gateway(
        folder, routes, fast_loop=request.param == "uvloop", settings=LIMITS
    ) as made:
        yield made


@pytest.fixture
async def client(front: Gateway) -> AsyncIterator[Raw]:
    async with Raw.to(front.public) as made:
        yield made


async def passed(client: Raw, upstream: Upstream, request: str) -> tuple[Raw, dict[str, str]]:
    """Sends a request that opens a connection to the upstream; returns both, with the headers."""
    await client.send(request)
    server = await upstream.next()
    return server, (await server.head())[1]


async def test_connections_are_reused(client: Raw, upstream: Upstream) -> None:
    server, _ = await passed(client, upstream, get())
    await server.send(OK)
    assert (await client.answer())[2] == b"ok"
    for _ in range(3):
        await client.send(get())
        await server.head()
        await server.send(OK)
        assert (await client.answer())[2] == b"ok"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok+",
    ],
)
async def test_a_connection_that_the_upstream_closes_is_not_reused(
    client: Raw, upstream: Upstream, answer: bytes
) -> None:
    server, _ = await passed(client, upstream, get())
    await server.send(answer)
    status, headers, body = await client.answer()
    assert (status, body) == (200, b"ok")
    assert "connection" not in headers
    assert await server.hung_up(SOON)
    again, _ = await passed(client, upstream, get())
    await again.send(OK)
    assert (await client.answer())[2] == b"ok"


async def test_bytes_without_a_request_are_not_a_response(client: Raw, upstream: Upstream) -> None:
    server, _ = await passed(client, upstream, get())
    await server.send(OK)
    await client.answer()
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
    assert await server.hung_up(SOON)
    again, _ = await passed(client, upstream, get())
    await again.send(OK)
    assert (await client.answer())[2] == b"ok"


async def test_pipelined_requests_are_answered_in_order(client: Raw, upstream: Upstream) -> None:
    calls = (
        get("/x/1"),
        get("/none"),
        get("/x/2"),
        get("/locked"),
        get("/x/3", "Connection: close"),
    )
    server, _ = await passed(client, upstream, "".join(calls))
    await server.send(OK)
    assert (await client.answer())[2] == b"ok"
    assert (await client.answer())[0] == 404
    await server.head()
    await server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n22\r\n0\r\n\r\n")
    assert (await client.answer())[2] == b"22"
    assert (await client.answer())[0] == 401
    await server.head()
    await server.send(OK)
    assert (await client.answer())[1]["connection"] == "close"
    assert await client.hung_up()


async def test_nothing_is_read_after_the_last_request(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    async with Raw.to(front.public) as other:
        server, _ = await passed(other, upstream, get())
        await server.send(OK)
        await other.answer()
        await client.send(get("/none", "Connection: close") + get("/x/hidden"))
        assert (await client.answer())[0] == 404
        assert await client.hung_up()
        await other.send(get("/x/next"))
        assert b"/x/next" in (await server.until(b"\r\n\r\n")).partition(b"\r\n")[0]


async def test_many_refused_requests_in_one_packet(client: Raw) -> None:
    await client.send(get("/none") * 2000 + get("/none", "Connection: close"))
    for _ in range(2001):
        assert (await client.answer())[0] == 404
    assert await client.hung_up()


@pytest.mark.parametrize(
    ("request_lines", "version", "answered"),
    [
        ([], "1.0", ("close", None, True)),
        (["Connection: keep-alive"], "1.0", ("close", None, True)),
        ([], "1.1", (None, "chunked", False)),
        (["Connection: close"], "1.1", ("close", "chunked", True)),
    ],
)
@pytest.mark.parametrize("chunked", [True, False])
async def test_a_response_of_unknown_length(
    client: Raw,
    upstream: Upstream,
    request_lines: list[str],
    version: str,
    answered: tuple[str | None, str | None, bool],
    chunked: bool,
) -> None:
    """Chunked for HTTP/1.1; for HTTP/1.0 it ends with the connection."""
    server, _ = await passed(client, upstream, get("/x", *request_lines, version=version))
    if chunked:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
        await server.send(head + b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX: y\r\n\r\n")
    else:
        await server.send(b"HTTP/1.1 200 OK\r\n\r\nabcde")
        server.writer.close()
    status, headers, body = await client.answer()
    assert (status, body) == (200, b"abcde")
    got = (headers.get("connection"), headers.get("transfer-encoding"))
    assert got == answered[:2]
    assert "trailer" not in headers
    if answered[2]:
        assert await client.hung_up()
    else:
        await client.send(get("/none"))
        assert (await client.answer())[0] == 404


async def test_http_1_0_may_keep_its_connection(client: Raw, upstream: Upstream) -> None:
    server, _ = await passed(client, upstream, get("/x", "Connection: keep-alive", version="1.0"))
    await server.send(OK)
    _, headers, body = await client.answer()
    assert (headers["connection"], body) == ("keep-alive", b"ok")
    await client.send(get("/none", version="1.0"))
    assert (await client.answer())[:1] == (404,)
    assert await client.hung_up()


@pytest.mark.parametrize(
    ("method", "head", "kept"),
    [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n", "99"),
        ("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", None),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: a\r\n", "99"),
        ("GET", "HTTP/1.1 204 No Content\r\n", None),
        ("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n", None),
    ],
)
async def test_responses_without_a_body_may_keep_both_connections_open(
    client: Raw, upstream: Upstream, method: str, head: str, kept: str | None
) -> None:
    server, _ = await passed(client, upstream, get("/quiet", method=method))
    await server.send(f"{head}\r\n")
    status, headers = await client.head()
    assert str(status) in head
    assert headers.get("content-length") == kept
    assert "transfer-encoding" not in headers
    await client.send(get())
    await server.head()
    await server.send(OK)
    assert (await client.answer())[2] == b"ok"


async def test_interim_responses(client: Raw, upstream: Upstream) -> None:
    server, _ = await passed(client, upstream, get())
    await server.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n")
    await server.send(b"\r\n" + OK)
    assert await client.head() == (103, {"link": "</a>"})
    assert (await client.answer())[2] == b"ok"


async def test_http_1_0_gets_no_interim_responses(client: Raw, upstream: Upstream) -> None:
    server, _ = await passed(client, upstream, get(version="1.0"))
    await server.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
    assert (await client.answer())[0] == 200


async def test_too_many_interim_responses(client: Raw, upstream: Upstream) -> None:
    server, _ = await passed(client, upstream, get())
    await server.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 17)
    while (answer := await client.head())[0] == 102:
        pass
    assert answer[0] == 502


async def test_expect_continue_is_answered_for_an_allowed_call(
    client: Raw, upstream: Upstream
) -> None:
    lines = ("Content-Length: 3", "Expect: 100-Continue")
    await client.send(get("/x", *lines, method="POST"))
    assert await client.head() == (100, {})
    await client.send(b"abc")
    server = await upstream.next()
    _, headers = await server.head()
    assert ("expect" in headers, headers["content-length"]) == (False, "3")
    assert await server.exactly(3) == b"abc"
    await server.send(OK)
    assert (await client.answer())[2] == b"ok"


async def test_expect_continue_of_a_refused_call_gets_the_refusal(client: Raw) -> None:
    lines = ("Content-Length: 3", "Expect: 100-continue")
    await client.send(get("/locked", *lines, method="POST"))
    status, headers, _ = await client.answer()
    assert (status, headers["connection"]) == (401, "close")
    assert await client.hung_up()


@pytest.mark.parametrize("chunked", [True, False])
async def test_bodies_are_streamed_both_ways(
    client: Raw, upstream: Upstream, chunked: bool
) -> None:
    """Each part is forwarded before the next one arrives."""
    line = "Transfer-Encoding: chunked" if chunked else "Content-Length: 6"
    server, headers = await passed(client, upstream, get("/stream", line, method="POST"))
    assert ("transfer-encoding" in headers) == chunked
    for sent in (b"abc", b"def"):
        await client.send(b"3;x\r\n" + sent + b"\r\n" if chunked else sent)
        expected = b"3\r\n" + sent + b"\r\n" if chunked else sent
        assert await server.exactly(len(expected)) == expected
    if chunked:
        await client.send(b"0\r\nX-Trailer: y\r\n\r\n")
        assert await server.exactly(5) == b"0\r\n\r\n"
    await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
    assert (await client.head())[0] == 200
    assert await client.exactly(2) == b"ab"
    await server.send(b"cd")
    assert await client.exactly(2) == b"cd"


async def test_no_response_is_read_for_a_client_that_does_not_read(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    """However much is streamed, the gateway buffers little of it."""
    memory = psutil.Process().memory_info
    size = 256 * MEGABYTE
    server, _ = await passed(client, upstream, get())
    before = memory().rss
    server.writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode())
    async with Flood.through(server, size) as flood:
        assert await flood.stuck(front) < size / 4
        assert memory().rss - before < 100 * MEGABYTE
        assert (await client.head())[0] == 200
        left = size
        while left:
            left -= len(await client.reader.read(MEGABYTE))
    assert memory().rss - before < 100 * MEGABYTE
    await client.send(get())
    await server.head()
    await server.send(OK)
    assert (await client.answer())[2] == b"ok"


async def test_no_response_is_read_for_a_client_that_only_sends(
    front: Gateway,
) -> None:
    """A client that sends requests but reads no answers does not fill the gateway's memory."""
    request = get("/none", f"X-Long: {'x' * 1800}").encode()
    wanted = 6000
    client = Raw(*await asyncio.open_connection(sock=small_socket(front.public), limit=4096))
    async with Flood.through(client, wanted * len(request), request) as flood:
        assert await flood.stuck(front) < wanted * len(request)
        for _ in range(wanted):
            assert (await client.answer())[0] == 404
    client.abort()


async def test_an_upstream_that_does_not_read_causes_backpressure(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    size = 60 * MEGABYTE
    request = get("/stream", f"Content-Length: {size}", method="POST")
    server, _ = await passed(client, upstream, request)
    memory = psutil.Process().memory_info
    before = memory().rss
    async with Flood.through(client, size) as flood:
        assert await flood.stuck(front) < size / 2
        left = size
        while left:
            left -= len(await server.reader.read(MEGABYTE))
    assert memory().rss - before < 50 * MEGABYTE
    await server.send(OK)
    assert (await client.answer())[2] == b"ok"


async def test_an_early_response_ends_the_call(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    """Although the client is still sending; what it sends then is not read as a request."""
    request = get("/stream", "Content-Length: 1000000", method="PUT")
    server, _ = await passed(client, upstream, request)
    await server.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
    status, headers, body = await client.answer()
    assert (status, headers["connection"], body) == (403, "close", b"no")
    assert await server.hung_up(SOON)
    await client.send(get("/x/never"))
    assert await client.hung_up()
    async with Raw.to(front.public) as other:
        await other.send(get("/x/next"))
        assert (await (await upstream.next()).until(b"\r\n")).startswith(b"GET /x/next ")


async def test_a_client_that_is_still_sending_gets_the_answer(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    """Closing a connection with unread bytes resets it, and the peer may lose what was sent."""
    server, _ = await passed(
        client, upstream, get("/stream", "Content-Length: 9000000", method="PUT")
    )
    transport = client.writer.transport
    assert isinstance(transport, asyncio.ReadTransport)
    transport.pause_reading()
    await server.send(b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")
    assert await server.hung_up(SOON)
    for _ in range(20):
        await client.send(bytes(10_000))
        await front.has_read()
    transport.resume_reading()
    status, _, body = await client.answer()
    assert (status, body) == (413, b"no")


async def test_both_sides_may_send_at_the_same_time(client: Raw, upstream: Upstream) -> None:
    lines = ("Transfer-Encoding: chunked",)
    server, _ = await passed(client, upstream, get("/stream", *lines, method="POST"))
    await server.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await client.head())[0] == 200
    for word in (b"ping1", b"ping2"):
        await client.send(b"5\r\n" + word + b"\r\n")
        assert await server.exactly(10) == b"5\r\n" + word + b"\r\n"
        await server.send(b"5\r\n" + word + b"\r\n")
        assert await client.exactly(10) == b"5\r\n" + word + b"\r\n"


async def test_a_disconnect_aborts_the_call_at_the_upstream(
    client: Raw, upstream: Upstream
) -> None:
    server, _ = await passed(client, upstream, get())
    client.abort()
    assert await server.hung_up()


async def test_a_disconnect_aborts_the_upload_at_the_upstream(
    client: Raw, upstream: Upstream
) -> None:
    request = get("/stream", "Content-Length: 9", method="POST")
    server, _ = await passed(client, upstream, request)
    await client.send(b"abc")
    assert await server.exactly(3) == b"abc"
    client.abort()
    assert await server.hung_up()


CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"


@pytest.mark.parametrize(
    ("version", "answer", "then"),
    [
        ("1.1", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b""),
        ("1.1", CHUNKS, b""),
        ("1.1", CHUNKS, b"zz\r\n"),
        ("1.0", CHUNKS, b""),
    ],
)
async def test_a_broken_response_resets_the_clients_connection(
    client: Raw, upstream: Upstream, version: str, answer: bytes, then: bytes
) -> None:
    server, _ = await passed(client, upstream, get(version=version))
    await server.send(answer)
    assert (await client.head())[0] == 200
    await client.until(b"abc")
    await server.send(then)
    server.writer.close()
    with pytest.raises(ConnectionResetError):
        await client.rest()


@pytest.mark.parametrize(
    "answer",
    [
        *(b"", b"HTTP/1.1 200", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
async def test_a_malformed_response_is_a_bad_gateway(
    client: Raw, upstream: Upstream, answer: bytes
) -> None:
    server, _ = await passed(client, upstream, get(method="POST"))
    await server.send(answer)
    server.writer.close()
    status, _, body = await client.answer()
    assert (status, code(body)) == (502, ["gateway.bad_gateway"])
    await client.send(get("/none"))
    assert (await client.answer())[0] == 404


@pytest.mark.parametrize(
    ("path", "status", "why"),
    [
        ("/gone", 502, "gateway.bad_gateway"),
        ("/nameless", 502, "gateway.bad_gateway"),
    ],
)
async def test_an_upstream_that_cannot_be_reached(
    client: Raw, path: str, status: int, why: str
) -> None:
    await client.send(get(path))
    got, _, body = await client.answer()
    assert (got, code(body)) == (status, [why])


@pytest.mark.parametrize(
    ("answer", "event"),
    [(b"", "upstream_failed"), (OK[:-1], "answer_interrupted")],
)
async def test_a_failure_is_logged_with_its_call(
    client: Raw, upstream: Upstream, answer: bytes, event: str
) -> None:
    """Not with that of the call for which the connection was opened."""
    server, _ = await passed(client, upstream, get("/x", "X-Request-Id: earlier"))
    await server.send(OK)
    await client.answer()
    with capture_logs([structlog.contextvars.merge_contextvars]) as logs:
        await client.send(get("/x", "X-Request-Id: broken", "Content-Length: 0", method="POST"))
        await server.head()
        if answer:
            await server.send(answer)
            assert (await client.head())[0] == 200
            server.abort()
            with pytest.raises(ConnectionResetError):
                await client.rest()
        else:
            server.abort()
            assert (await client.answer())[0] == 502
    got = [(each["request_id"], each["route"]) for each in logs if each["event"] == event]
    assert got == [("broken", "/x")]


@pytest.mark.parametrize("allowed", ["*", "https://page.example"])
async def test_no_headers_are_cached_for_forged_origins(
    upstream: Upstream, tmp_path: Path, allowed: str
) -> None:
    routes = ROUTES.format(up=upstream.url, named=upstream.url)
    invented = [f"https://{number}.example" for number in range(20)]
    async with (
        gateway(tmp_path, routes, settings={"BARONG_API_CORS_ORIGINS": allowed}) as made,
        Raw.to(made.public) as client,
    ):
        server = None
        for origin in [None, "https://page.example", *invented] * 2:
            await client.send(get("/x", *(() if origin is None else (f"Origin: {origin}",))))
            server = server or await upstream.next()
            await server.head()
            await server.send(OK)
            status, headers, _ = await client.answer()
            known = origin is not None and allowed in ("*", origin)
            assert status == 200
            assert headers.get("access-control-allow-origin") == (allowed if known else None)


async def test_an_upstream_may_have_a_name(client: Raw, upstream: Upstream) -> None:
    server, headers = await passed(client, upstream, get("/named"))
    assert headers["host"].startswith("localhost:")
    await server.send(OK)
    assert (await client.answer())[0] == 200


async def test_a_silent_upstream_gets_a_timeout(client: Raw, upstream: Upstream) -> None:
    server, _ = await passed(client, upstream, get("/hasty"))
    status, _, body = await client.answer()
    assert (status, code(body)) == (504, ["gateway.timeout"])
    assert await server.hung_up()


async def test_a_response_that_stalls_is_aborted(client: Raw, upstream: Upstream) -> None:

    async def begun() -> Raw | None:
        """The connection on which a response began in time."""
        server, _ = await passed(client, upstream, get("/hasty"))
        await server.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        status, headers = await client.head()
        if status == 200:
            return server
        await client.exactly(int(headers["content-length"]))
        return None

    server = await until(begun)
    assert server
    assert await client.exactly(3) == b"abc"
    with pytest.raises(ConnectionResetError):
        await client.rest()
    assert await server.hung_up()


async def test_the_timeout_does_not_run_for_a_slow_client(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    """The timeout starts when the whole request was sent."""
    request = get("/hasty", "Content-Length: 6", method="POST")
    server, _ = await passed(client, upstream, request)
    await client.send(b"abc")
    await server.exactly(3)
    async with Raw.to(front.public) as other:
        await passed(other, upstream, get("/hasty"))
        assert (await other.answer())[0] == 504  # a timeout that started later is over
    await client.send(b"def")
    assert await server.exactly(3) == b"def"
    assert (await client.answer())[0] == 504


async def kept(client: Raw, upstream: Upstream) -> Raw:
    """An idle connection to the upstream."""
    server, _ = await passed(client, upstream, get())
    await server.send(OK)
    await client.answer()
    return server


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
async def test_a_request_on_a_closed_idle_connection_is_repeated(
    client: Raw, upstream: Upstream, method: str
) -> None:
    """If it is idempotent, and the gateway still has all of it."""
    stale = await kept(client, upstream)
    await client.send(get("/x/again", method=method))
    assert (await stale.until(b"\r\n")).startswith(f"{method} /x/again".encode())
    stale.abort()
    server = await upstream.next()
    assert (await server.until(b"\r\n")).startswith(f"{method} /x/again".encode())
    await server.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert (await client.head())[0] == 204


@pytest.mark.parametrize(
    ("method", "lines", "body"),
    [("POST", [], b""), ("PATCH", [], b""), ("PUT", ["Content-Length: 3"], b"abc")],
)
async def test_a_request_that_may_have_taken_effect_is_not_repeated(
    client: Raw, upstream: Upstream, method: str, lines: list[str], body: bytes
) -> None:
    stale = await kept(client, upstream)
    await client.send(get("/x/again", *lines, method=method).encode() + body)
    await stale.head()
    stale.abort()
    status, _, body = await client.answer()
    assert (status, code(body)) == (502, ["gateway.bad_gateway"])
    assert upstream.arrived.empty()


async def test_a_request_on_a_new_connection_is_not_repeated(
    client: Raw, upstream: Upstream
) -> None:
    server, _ = await passed(client, upstream, get())
    server.abort()
    assert (await client.answer())[0] == 502
    assert upstream.arrived.empty()


async def test_a_closed_idle_connection_is_not_used(
    client: Raw, upstream: Upstream, front: Gateway
) -> None:
    stale = await kept(client, upstream)
    stale.writer.close()
    await stale.hung_up()
    server, _ = await passed(client, upstream, get(method="POST"))
    await server.send(OK)
    assert (await client.answer())[0] == 200


@pytest.mark.parametrize(
    ("request_bytes", "status", "why"),
    [
        (get("/x?" + "a" * 4000), 414, "request.uri_too_long"),
        ("GET /" + "a" * 5000, 414, "request.uri_too_long"),
        (get("/x", "X: " + "a" * 8000), 431, "request.headers_too_large"),
        (get("/x", *["X: y"] * 51), 431, "request.headers_too_large"),
        ("GET /x HTTP/1.1\r\nX: " + "a" * 13_000, 431, "request.headers_too_large"),
        (get("/x", f"Content-Length: {65 * MEGABYTE}", method="POST"), 413, "request.too_large"),
        ("GET /x\r\n\r\n", 400, "request.malformed"),
    ],
)
async def test_requests_have_limits(client: Raw, request_bytes: str, status: int, why: str) -> None:
    await client.send(request_bytes)
    got, headers, body = await client.answer()
    assert (got, code(body), headers["connection"]) == (status, [why], "close")
    assert headers["x-request-id"]
    assert await client.hung_up()


async def test_a_chunked_body_that_is_too_large_is_aborted(
    upstream: Upstream, tmp_path: Path
) -> None:
    routes = ROUTES.format(up=upstream.url, named=upstream.url)
    async with (
        gateway(tmp_path, routes, settings={"BARONG_MAX_BODY_BYTES": "1000"}) as small,
        Raw.to(small.public) as client,
    ):
        request = get("/stream", "Transfer-Encoding: chunked", method="POST")
        server, _ = await passed(client, upstream, request)
        await client.send(b"1f4\r\n" + b"x" * 500 + b"\r\n")
        await server.exactly(500)
        await client.send(b"1f5\r\n" + b"x" * 501 + b"\r\n")
        status, _, body = await client.answer()
        assert (status, code(body)) == (413, ["request.too_large"])
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await server.exactly(1000)


async def test_a_malformed_chunk_aborts_the_call(client: Raw, upstream: Upstream) -> None:
    request = get("/stream", "Transfer-Encoding: chunked", method="POST")
    server, _ = await passed(client, upstream, request)
    await client.send(b"3\r\nabcd\r\n")
    status, headers, body = await client.answer()
    assert (status, code(body), headers["connection"]) == (400, ["request.malformed"], "close")
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await server.exactly(100)


@pytest.mark.parametrize("fast_loop", [True, False])
@pytest.mark.parametrize(
    "broken", [b"zz\r\n", b"9\r\n123456789\r\n"], ids=["malformed", "too large"]
)
async def test_nothing_is_read_after_a_broken_body(
    upstream: Upstream, tmp_path: Path, fast_loop: bool, broken: bytes
) -> None:
    """Although it seems to end during the decision."""
    deciding, decided = asyncio.Event(), asyncio.Event()

    async def serve(raw: Raw) -> None:
        if b"/sessions/resolve" in await raw.until(b"\r\n\r\n"):
            deciding.set()
            await decided.wait()

    async with Upstream.listening(serve) as identity:
        routes = ROUTES.format(up=upstream.url, named=upstream.url)
        settings = {"BARONG_IDENTITY_INTERNAL_URL": identity.url, "BARONG_MAX_BODY_BYTES": "8"}
        async with (
            gateway(tmp_path, routes, fast_loop=fast_loop, settings=settings) as made,
            Raw.to(made.public) as client,
            Raw.to(made.public) as other,
        ):
            lines = "Cookie: _barong_session=x", "Transfer-Encoding: chunked"
            await client.send(get("/locked", *lines).encode() + broken)
            async with asyncio.timeout(SOON):
                await deciding.wait()
            await client.send(b"0\r\n\r\n" + get("/none").encode())
            await other.send(get("/none"))
            await other.answer()  # everything before this was read
            decided.set()
            status, headers, _ = await client.answer()
            assert (status, headers["connection"]) == (503, "close")
            assert await client.hung_up()


SLOW = {
    "BARONG_HEADER_TIMEOUT": "2",
    "BARONG_IDLE_TIMEOUT": "2",
    "BARONG_STALL_TIMEOUT": "2",
    "BARONG_MAX_CONNECTIONS": "20",
    "BARONG_UPSTREAM_CONNECTIONS": "1",
    "BARONG_TRUSTED_PROXIES": "127.0.0.1",
}


@pytest.fixture(scope="module")
async def hasty(
    upstream: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    """A gateway with time limits of two seconds."""
    routes = ROUTES.format(up=upstream.url, named=upstream.url)
    folder, timing = tmp_path_factory.mktemp("hasty"), {"connect_seconds": 2.0}
    async with gateway(folder, routes, settings=SLOW, timing=timing) as made:
        yield made


async def test_slow_headers_get_408(hasty: Gateway) -> None:
    """However steadily they arrive."""
    async with Raw.to(hasty.public) as client:
        await client.send("GET /x HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                await client.send("X: y\r\n")
                await asyncio.sleep(0.1)

        dripping = asyncio.create_task(drip())
        status, _, body = await client.answer()
        assert (status, code(body)) == (408, ["request.timeout"])
        dripping.cancel()
        assert await client.hung_up()


async def test_an_idle_client_is_disconnected(hasty: Gateway) -> None:
    async with Raw.to(hasty.public) as silent, Raw.to(hasty.public) as idle:
        await idle.send(get("/none"))
        assert (await idle.answer())[0] == 404
        assert await idle.hung_up()
        assert await silent.hung_up()


async def test_a_stalled_body_gets_408(hasty: Gateway, upstream: Upstream) -> None:
    async with Raw.to(hasty.public) as client:
        request = get("/stream", "Content-Length: 9", method="POST")
        server, _ = await passed(client, upstream, request)
        await client.send(b"abc")
        status, _, body = await client.answer()
        assert (status, code(body)) == (408, ["request.timeout"])
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await server.exactly(9)


async def test_a_client_that_reads_nothing_is_disconnected(
    hasty: Gateway, upstream: Upstream
) -> None:
    async with Raw.to(hasty.public) as client:
        server, _ = await passed(client, upstream, get())
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {64 * MEGABYTE}\r\n\r\n".encode()
        server.writer.write(head + bytes(64 * MEGABYTE))
        assert await server.hung_up()
        assert len(await client.rest()) < 64 * MEGABYTE


async def test_calls_wait_for_a_connection(upstream: Upstream, tmp_path: Path) -> None:
    routes = ROUTES.format(up=upstream.url, named=upstream.url)
    settings = {"BARONG_UPSTREAM_CONNECTIONS": "1"}
    async with (
        gateway(tmp_path, routes, settings=settings, timing={"connect_seconds": 60.0}) as made,
        Raw.to(made.public) as one,
        Raw.to(made.public) as two,
    ):
        server, _ = await passed(one, upstream, get("/x/1"))
        await two.send(get("/x/2"))
        await made.has_read()
        await server.send(OK)
        assert (await one.answer())[2] == b"ok"
        assert b"/x/2" in await server.until(b"\r\n\r\n")
        await server.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n2")
        assert (await two.answer())[2] == b"2"
        assert len([raw for raw in upstream.connections if raw is server]) == 1


async def test_a_call_without_a_connection_gets_retry_after(
    hasty: Gateway, upstream: Upstream
) -> None:
    async with Raw.to(hasty.public) as one, Raw.to(hasty.public) as two:
        await passed(one, upstream, get("/patient"))
        await two.send(get("/x", "X-Forwarded-For: 192.0.2.2"))
        status, headers, body = await two.answer()
        assert (status, code(body)) == (503, ["server.unavailable"])
        assert headers["retry-after"] == "1"


async def test_a_client_at_its_limit_gets_429(hasty: Gateway, upstream: Upstream) -> None:
    async with Raw.to(hasty.public) as one, Raw.to(hasty.public) as two:
        await passed(one, upstream, get("/patient"))
        await two.send(get("/x"))
        status, headers, body = await two.answer()
        assert (status, code(body)) == (429, ["request.throttled"])
        assert headers["retry-after"] == "1"


async def test_the_number_of_clients_is_limited(upstream: Upstream, tmp_path: Path) -> None:
    routes = ROUTES.format(up=upstream.url, named=upstream.url)
    async with gateway(tmp_path, routes, settings={"BARONG_MAX_CONNECTIONS": "20"}) as made:
        clients = [Raw.to(made.public) for _ in range(20)]
        raws = [await each.__aenter__() for each in clients]

        async def all_in() -> bool:
            return await made.metric("gateway_client_connections") == 20

        await until(all_in)
        async with Raw.to(made.public) as one_too_many:
            status, headers, body = await one_too_many.answer()
            assert (status, code(body)) == (503, ["server.unavailable"])
            assert headers["retry-after"] == "1"
        for raw in raws:
            raw.abort()

        async def open_now() -> bool:
            return await made.metric("gateway_client_connections") == 0

        await until(open_now)
        async with Raw.to(made.public) as next_one:
            await next_one.send(get("/none"))
            assert (await next_one.answer())[0] == 404


@pytest.mark.parametrize("fast_loop", [True, False])
async def test_running_calls_end_before_the_gateway_stops(
    upstream: Upstream, tmp_path: Path, fast_loop: bool
) -> None:
    routes = ROUTES.format(up=upstream.url, named=upstream.url)
    async with (
        gateway(tmp_path, routes, fast_loop=fast_loop, settings=PATIENT) as made,
        Raw.to(made.public) as idle,
        Raw.to(made.public) as busy,
    ):
        await idle.send(get("/none"))
        assert (await idle.answer())[0] == 404
        server, _ = await passed(busy, upstream, get())
        made.stop()
        assert await idle.hung_up()
        with pytest.raises(ConnectionRefusedError):
            async with Raw.to(made.public):
                pass
        await server.send(OK)
        _, headers, body = await busy.answer()
        assert (headers["connection"], body) == ("close", b"ok")
        assert await busy.hung_up()
