"""What a server takes, and what it says where aiohttp would answer by itself."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from prometheus_client import generate_latest
from structlog.testing import capture_logs

from shared.web.answers import answer
from shared.web.metrics import Registry
from shared.web.operations import NoParameters
from shared.web.routes import ANYONE, Route
from shared.web.server import HeadLimits, listening
from tests.unit.shared.builders import raw, sent, served

SECRET = b"hunter2"
COOKIE = b"_barong_session=" + SECRET
ADDED = {  # what the gateway adds to a client's head, at its largest
    "Authorization": b"Bearer " + b"x" * 4000,
    "X-Forwarded-For": b"2001:db8:1111:2222:3333:4444:5555:6666",
    "X-Forwarded-Host": b"api.example.com",
    "X-Forwarded-Proto": b"https",
    "X-Request-Id": b"x" * 64,
}


async def sizes(request: web.Request, _form: NoParameters) -> web.Response:
    return answer({"url": len(request.path_qs), "headers": len(request.raw_headers)})


ROUTES = (
    Route("GET", "/sizes", ANYONE, sizes),
    Route("POST", "/sizes", ANYONE, sizes),
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry()


@pytest.fixture(scope="module")
async def address(registry: Registry) -> AsyncIterator[str]:
    async with served(ROUTES, registry=registry) as made:
        yield made


def padding(total: int, each: int) -> dict[str, bytes]:
    """Headers of `total` bytes as the gateway counts them, none larger than `each`."""
    headers: dict[str, bytes] = {}
    while total > 0:
        name = f"X-Padding-{len(headers):03}"
        size = min(each, total)
        headers[name] = b"x" * (size - len(name) - len(": \r\n"))
        total -= size
    return headers


@pytest.mark.parametrize(
    "headers", [padding(32_700, 32_700), padding(32_700, 9_000), padding(32_700, 350)]
)
async def test_what_the_gateway_promises_is_taken_with_what_it_adds(
    address: str, headers: Mapping[str, bytes]
) -> None:
    query = b"q=" + b"x" * (8192 - len(b"/sizes?q="))

    status, body = await sent(address, raw("GET", b"/sizes?" + query, {**headers, **ADDED}))

    assert (status, json.loads(body)["url"]) == (200, 8192)
    assert json.loads(body)["headers"] == 2 + len(headers) + len(ADDED)


BROKEN_CHUNK = raw("POST", b"/sizes", {"Transfer-Encoding": b"chunked"}) + b"2\r\nab\r\n" + SECRET


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (raw("GET", b"/sizes", {"Cookie": COOKIE.ljust(70_000)}), 431, "headers_too_large"),
        (raw("GET", b"/sizes", padding(50_000, 5_000) | {"Cookie": COOKIE}), 431, None),
        (raw("GET", b"/sizes", padding(9_000, 45) | {"Cookie": COOKIE}), 431, None),
        (raw("GET", b"/sizes", {"x" * 70_000: COOKIE}), 431, "headers_too_large"),
        (raw("GET", b"/sizes?" + SECRET * 2000, {"Cookie": COOKIE}), 414, "uri_too_long"),
        (raw("GET", b"/sizes", {"Cookie": COOKIE, "A b": SECRET}), 400, "malformed"),
        (raw("GET", b"/sizes", {"Cookie": COOKIE + b"\x00"}), 400, "malformed"),
        (raw("GET", b"/sizes", {"Cookie": COOKIE, "Host": b"a\r\nHost: b"}), 400, "malformed"),
        (raw("GET", b"/sizes", {"Cookie": COOKIE, "Content-Length": SECRET}), 400, "malformed"),
        (raw("POST", b"/sizes", {"Transfer-Encoding": SECRET}), 400, "malformed"),
        (raw("GET", SECRET + b"://", {"Cookie": COOKIE}), 400, "malformed"),
        (raw("hunter2", b"/sizes", {"Cookie": COOKIE}), 400, "malformed"),
        (b"\x16\x03\x01" + SECRET + b"\r\n\r\n", 400, "malformed"),
        (b"GET /sizes HTTP/1.1\r\nCookie: " + COOKIE + b"\r\n\r\n", 400, "malformed"),
        (b"GET /sizes HTTP/9.9\r\nCookie: " + COOKIE + b"\r\n\r\n", 400, "malformed"),
        (raw("POST", b"/sizes", {"Expect": SECRET}, b"{}"), 417, "expectation_failed"),
        (raw("POST", b"/nowhere", {"Expect": SECRET}, b"{}"), 417, "expectation_failed"),
        (raw("CONNECT", SECRET + b":443", {"Cookie": COOKIE}), 404, None),
        (BROKEN_CHUNK + b"\r\n", 400, "malformed"),
    ],
)
async def test_what_cannot_be_read_is_told_as_everything_else_and_is_not_repeated(
    address: str, caplog: pytest.LogCaptureFixture, request_: bytes, status: int, code: str | None
) -> None:
    with capture_logs() as logs, caplog.at_level(logging.DEBUG):
        answered, body = await sent(address, request_)

    assert answered == status
    if code:
        assert json.loads(body) == {"errors": [f"request.{code}"]}
    else:
        assert json.loads(body).keys() <= {"errors", "error"}
    assert SECRET not in body
    assert SECRET.decode() not in f"{logs}{caplog.text}"
    assert [line["status"] for line in logs if line["event"] == "request"] == [status]


async def test_what_cannot_be_read_is_counted(address: str, registry: Registry) -> None:
    name = 'http_requests_total{method="OTHER",route="unknown",status="400"}'

    def count() -> float:
        lines = generate_latest(registry).decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    before = count()
    await sent(address, b"nonsense\r\n\r\n")

    assert count() == before + 1


async def test_a_body_that_breaks_off_into_nonsense_is_answered_once(address: str) -> None:
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    headers = {"Transfer-Encoding": b"chunked", "Content-Type": b"application/json"}
    writer.write(raw("POST", b"/sizes", headers | {"Expect": b"100-continue"}))
    async with asyncio.timeout(30):
        # The service is at the body by now.
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"zz\r\n" + raw("GET", b"/sizes"))
        told = await reader.read()
    writer.close()

    assert told.count(b"HTTP/1.1") == 1
    assert told.startswith(b"HTTP/1.1 400 ")
    assert told.endswith(b'{"errors": ["request.malformed"]}')


async def fail_with(kind: type[Exception]) -> Any:
    raise kind(SECRET.decode())


def careless() -> web.Application:
    """An application that leaves everything to the server."""

    async def unforeseen(_request: web.Request) -> web.Response:
        return await fail_with(RuntimeError)  # type: ignore[no-any-return]

    async def late(_request: web.Request) -> web.Response:
        return await fail_with(TimeoutError)  # type: ignore[no-any-return]

    async def nothing(_request: web.Request) -> web.Response:
        return None  # type: ignore[return-value]

    async def large(_request: web.Request) -> web.Response:
        raise web.HTTPRequestEntityTooLarge(1, 2, text=SECRET.decode())

    app = web.Application()
    app.router.add_get("/unforeseen", unforeseen)
    app.router.add_get("/late", late)
    app.router.add_get("/nothing", nothing)
    app.router.add_get("/large", large)
    return app


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (b"/unforeseen", 500, "server.internal_error"),
        (b"/late", 500, "server.internal_error"),
        (b"/nothing", 500, "server.internal_error"),
        (b"/large", 413, "request.too_large"),
    ],
)
async def test_what_an_application_leaves_to_its_server_is_told_as_everything_else(
    path: bytes, status: int, code: str
) -> None:
    async with listening(careless(), "127.0.0.1", 0, shutdown_seconds=0.1) as address:
        request = raw("GET", path, {"Accept": b"text/html"})
        answered, body = await sent(address, request)

    assert (answered, json.loads(body)) == (status, {"errors": [code]})


async def test_an_operator_may_allow_more() -> None:
    app = web.Application()
    limits = HeadLimits(url_bytes=20_000, header_bytes=60_000, headers=300)
    async with listening(app, "127.0.0.1", 0, shutdown_seconds=0.1, limits=limits) as address:
        large = raw("GET", b"/" + b"x" * 19_999, padding(60_000, 60_000))
        many = raw("GET", b"/", padding(13_000, 45))
        for request in (large, many):  # there is no route, and nothing else is wrong
            assert await sent(address, request) == (404, b'{"error": "Route is not found"}')
