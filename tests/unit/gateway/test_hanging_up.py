"""Connections are closed although the peer reads nothing of what remains to be sent."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import cast

import pytest
import uvloop

from authz_gateway.http.connection import ClientConnection, Limits
from authz_gateway.http.cors import Cors
from authz_gateway.http.parser import HeadLimits, RequestReader, ResponseHead
from authz_gateway.http.request import Request
from authz_gateway.http.response_headers import ResponseHeaders
from authz_gateway.http.responses import Answer
from authz_gateway.upstream.connection import ResponseListener, UpstreamConnection
from shared.errors import Refusal

PATIENCE = 10.0
LEFT = bytes(14 * 1024)
"""More than the small socket buffer holds, and less than pauses the transport's writer."""

ASKED = b"GET /x HTTP/1.1\r\nHost: gateway\r\n"
NewLoop = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Our socket, with a small send buffer, and the peer's, from which nobody reads."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    ours.setblocking(False)
    with closing(theirs):
        yield ours, theirs


class World:
    """A server with one client: it answers at once and has short time limits."""

    draining = False
    limits = Limits(HeadLimits(1000, 1000, 10), 1000, 60.0, 0.2, 0.2, linger_seconds=0.1)
    reader = RequestReader(limits.head)
    response_headers = ResponseHeaders(Cors(frozenset(), False, 0), security=False, hsts_seconds=0)

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.answered = asyncio.Event()

    def connection_opened(self, _connection: ClientConnection) -> Refusal | None:
        return None

    def buffered_changed(self, connection: ClientConnection, before: int, now: int) -> None:
        pass

    def connection_closed(self, _connection: ClientConnection) -> None:
        self.gone.set()

    def request_received(self, request: Request) -> None:
        request.connection.answer(Answer(200, body=LEFT))
        self.answered.set()

    def request_finished(self, request: Request, status: int) -> None:
        pass


@LOOPS
@pytest.mark.parametrize(
    ("lines", "how"),
    [
        (b"", "idle"),
        (b"", "client"),
        (b"", "drained"),
        (b"Connection: close\r\n", "connection: close"),
        (b"Content-Length: 9\r\n", "lingering"),
    ],
)
def test_a_client_that_reads_nothing_is_disconnected(
    new_loop: NewLoop, lines: bytes, how: str
) -> None:
    async def main() -> None:
        world, loop = World(), asyncio.get_running_loop()
        with pair() as (ours, theirs):
            client = ClientConnection(world, loop)
            await loop.connect_accepted_socket(lambda: cast("asyncio.Protocol", client), ours)
            theirs.sendall(ASKED + lines + b"\r\n")
            async with asyncio.timeout(PATIENCE):
                await world.answered.wait()
                assert not world.gone.is_set()
                if how == "client":
                    theirs.shutdown(socket.SHUT_WR)
                elif how == "drained":
                    client.drain()
                await world.gone.wait()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


class Caller(ResponseListener):
    """Sends a request to an upstream, and owns the connection."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def connection_opened(self, _connection: UpstreamConnection) -> None:
        pass

    def connection_closed(self, _connection: UpstreamConnection) -> None:
        self.gone.set()

    def upstream_failed(self, error: OSError) -> None:
        raise AssertionError from error

    def upstream_full(self) -> None:
        raise AssertionError

    def upstream_ready(self) -> None:
        raise AssertionError

    def interim_response(self, _head: ResponseHead) -> None:
        raise AssertionError

    def protocol_switched(self, _head: ResponseHead, _rest: bytes) -> None:
        raise AssertionError

    def response_started(
        self, _head: ResponseHead, _part: bytes, *, bodyless: bool, ended: bool
    ) -> None:
        raise AssertionError

    def response_part(self, _part: bytes, *, ended: bool) -> None:
        raise AssertionError


@LOOPS
@pytest.mark.parametrize("closed_by_us", [True, False])
def test_an_upstream_that_reads_nothing_is_disconnected(
    new_loop: NewLoop, closed_by_us: bool
) -> None:
    """Also after its response, when the connection is idle."""

    async def main() -> None:
        caller, loop = Caller(), asyncio.get_running_loop()
        with pair() as (ours, theirs):
            connection = UpstreamConnection(caller, loop, close_seconds=0.2)
            await loop.connect_accepted_socket(lambda: cast("asyncio.Protocol", connection), ours)
            connection.send_request(caller, LEFT, complete=True, head_only=False, timeout=60)
            connection.mark_idle()
            if closed_by_us:
                connection.close()
            else:
                theirs.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(PATIENCE):
                await caller.gone.wait()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
