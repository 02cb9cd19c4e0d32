"""A client is disconnected although it reads nothing of what remains to be sent."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import pytest
import uvloop

from authz_gateway.http.connection import ClientConnection, Limits
from authz_gateway.http.cors import Cors
from authz_gateway.http.parser import HeadLimits, RequestReader
from authz_gateway.http.request import Request
from authz_gateway.http.response_headers import ResponseHeaders
from authz_gateway.http.responses import Answer
from shared.errors import Refusal
from tests.support.transport import UNREAD, unread_pair

PATIENCE = 30.0
ASKED = b"GET /x HTTP/1.1\r\nHost: gateway\r\n"
NewLoop = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])


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
        request.connection.answer(Answer(200, body=UNREAD))
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
        with unread_pair() as (ours, theirs):
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
