"""A client connection alone: where requests begin."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from authz_gateway.http.connection import ClientConnection, Limits
from authz_gateway.http.cors import Cors
from authz_gateway.http.errors import Stalled
from authz_gateway.http.parser import HeadLimits, RequestReader
from authz_gateway.http.request import Request
from authz_gateway.http.response_headers import ResponseHeaders
from authz_gateway.http.responses import NO_ROUTE
from shared.errors import Malformed, Refusal, TooLarge

ASKED = b"GET /x HTTP/1.1\r\nHost: gateway\r\n\r\n"


class Pipe(asyncio.Transport):
    """A transport that records what is written, and whether it is read from."""

    def __init__(self) -> None:
        super().__init__({"peername": ("10.1.2.3", 50000)})
        self.sent: list[Any] = []
        self._reading = True
        self.ended = False

    def write(self, data: Any) -> None:
        self.sent.append(data)

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return self._reading

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def write_eof(self) -> None:
        self.ended = True


class World:
    """A server that records which requests begin, with one client."""

    draining = False
    limits = Limits(HeadLimits(1000, 1000, 10), 1000, 60.0, 60.0, 60.0)
    reader = RequestReader(limits.head)
    response_headers = ResponseHeaders(Cors(frozenset(), False, 0), security=False, hsts_seconds=0)

    def __init__(self) -> None:
        self.begun: list[Request] = []
        self.pipe = Pipe()
        self.client = ClientConnection(self, asyncio.get_running_loop())
        self.client.connection_made(self.pipe)

    def connection_opened(self, _connection: ClientConnection) -> Refusal | None:
        return None

    def buffered_changed(self, connection: ClientConnection, before: int, now: int) -> None:
        pass

    def connection_closed(self, _connection: ClientConnection) -> None:
        pass

    def request_received(self, request: Request) -> None:
        self.begun.append(request)

    def request_finished(self, request: Request, status: int) -> None:
        pass


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.client.data_received(ASKED)
    made.client.answer(NO_ROUTE)
    yield made
    made.client.connection_lost(None)  # cancels its timer


async def test_the_same_bytes_again_are_a_new_request(world: World) -> None:
    world.client.data_received(ASKED)
    first, second = world.begun
    assert second.head.target == first.head.target
    assert second.id != first.id


async def test_the_same_bytes_in_pieces_are_one_request(world: World) -> None:
    world.client.data_received(ASKED[:20])
    assert len(world.begun) == 1
    world.client.data_received(ASKED[20:])
    assert len(world.begun) == 2


async def test_the_same_bytes_after_an_incomplete_head_belong_to_it(world: World) -> None:
    """The second part is the rest of a request, although it would be a request by itself."""
    world.client.data_received(b"GET /y HTTP/1.1\r\nX: ")
    world.client.data_received(ASKED)
    assert [request.head.target for request in world.begun] == ["/x", "/y"]
    assert world.begun[1].head.headers["X"] == "GET /x HTTP/1.1"


async def test_no_request_begins_while_the_client_does_not_read(world: World) -> None:
    world.client.pause_writing()
    world.client.data_received(ASKED)
    world.client.data_received(ASKED)
    assert len(world.begun) == 1
    assert not world.pipe.is_reading()

    world.client.resume_writing()
    assert len(world.begun) == 2
    world.client.answer(NO_ROUTE)
    assert len(world.begun) == 3
    world.client.answer(NO_ROUTE)
    assert world.pipe.is_reading()
    assert len(world.pipe.sent) == 3


async def test_reading_resumes_when_the_client_reads_again(world: World) -> None:
    world.client.pause_writing()
    world.client.data_received(ASKED[:20])
    assert not world.pipe.is_reading()

    world.client.resume_writing()
    assert world.pipe.is_reading()
    world.client.data_received(ASKED[20:])
    assert len(world.begun) == 2


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [(b"zz\r\n", Malformed()), (b"3e9\r\n" + bytes(1001), TooLarge()), (b"", Stalled())],
)
async def test_nothing_is_read_after_a_broken_body(
    world: World, sent: bytes, refusal: Refusal
) -> None:
    world.client.data_received(
        b"POST /x HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    body = world.begun[-1].body
    body.fail(refusal) if isinstance(refusal, Stalled) else world.client.data_received(sent)
    with pytest.raises(type(refusal)):
        body.require_within_limit()

    world.client.data_received(b"0\r\n\r\n" + ASKED)
    assert not body.complete
    assert not world.pipe.is_reading()
    world.client.answer(NO_ROUTE)
    assert b"Connection: close" in world.pipe.sent[-1]
    assert world.pipe.ended
    assert len(world.begun) == 2
