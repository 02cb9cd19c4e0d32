"""A connection to an upstream and the caller that listens to it.

These listeners are Python, which compiled modules do not accept in the place of their own.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import cast

import pytest
import uvloop

from authz_gateway.http.parser import ResponseHead
from authz_gateway.upstream.connection import ResponseListener, UpstreamConnection
from tests.support.transport import UNREAD, unread_pair

ASKED = b"POST /x HTTP/1.1\r\nHost: upstream\r\nContent-Length: 3\r\n\r\nabc"
PATIENCE = 30.0


class Caller(ResponseListener):
    """Waits for the response, and owns the connection."""

    def __init__(self) -> None:
        self.failed = asyncio.Event()
        self.gone = asyncio.Event()

    def connection_opened(self, connection: UpstreamConnection) -> None:
        pass

    def connection_closed(self, connection: UpstreamConnection) -> None:
        self.gone.set()

    def upstream_failed(self, error: OSError) -> None:
        self.failed.set()

    def upstream_full(self) -> None:
        pass

    def upstream_ready(self) -> None:
        pass

    def interim_response(self, head: ResponseHead) -> None:
        pass

    def protocol_switched(self, head: ResponseHead, rest: bytes) -> None:
        pass

    def response_started(
        self, head: ResponseHead, part: bytes, *, bodyless: bool, ended: bool
    ) -> None:
        pass

    def response_part(self, part: bytes, *, ended: bool) -> None:
        pass


class World:
    """An open connection, and the upstream's socket, which nobody serves."""

    def __init__(self, connection: UpstreamConnection, caller: Caller, theirs: socket.socket):
        self.connection = connection
        self.caller = caller
        self.theirs = theirs

    def ask(self) -> None:
        self.connection.send_request(self.caller, ASKED, complete=True, head_only=False, timeout=60)

    async def failed(self) -> bool:
        """Waits for the failure; returns whether the upstream accepted nothing of the request."""
        async with asyncio.timeout(PATIENCE):
            await self.caller.failed.wait()
        return self.connection.nothing_accepted


@asynccontextmanager
async def opened() -> AsyncIterator[World]:
    caller, loop = Caller(), asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = UpstreamConnection(caller, loop)
        host, port = server.getsockname()
        await loop.create_connection(lambda: cast("asyncio.Protocol", connection), host, port)
        with closing(server.accept()[0]) as theirs:
            yield World(connection, caller, theirs)
            connection.abort()


NewLoop = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])


def run(new_loop: NewLoop, story: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        async with opened() as world:
            await story(world)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


@LOOPS
def test_a_request_after_the_close_was_not_accepted(new_loop: NewLoop) -> None:
    """The upstream closed first; its FIN and the request crossed on the wire."""

    async def story(world: World) -> None:
        world.theirs.close()
        world.ask()
        assert await world.failed()

    run(new_loop, story)


@pytest.mark.parametrize("read", [0, 1, len(ASKED)])
@LOOPS
def test_a_request_before_the_close_may_have_been_accepted(new_loop: NewLoop, read: int) -> None:
    """Whether or not the upstream read it: its kernel had accepted it."""

    async def story(world: World) -> None:
        world.ask()
        if read:
            world.theirs.recv(read)
        world.theirs.close()
        assert not await world.failed()

    run(new_loop, story)


@LOOPS
def test_a_request_with_part_of_a_response_was_accepted(new_loop: NewLoop) -> None:

    async def story(world: World) -> None:
        world.ask()
        world.theirs.recv(len(ASKED))
        world.theirs.send(b"HTTP/1.1 200")
        world.theirs.close()
        assert not await world.failed()

    run(new_loop, story)


@LOOPS
@pytest.mark.parametrize("closed_by_us", [True, False])
def test_an_upstream_that_reads_nothing_is_disconnected(
    new_loop: NewLoop, closed_by_us: bool
) -> None:
    """Also after its response, when the connection is idle."""

    async def main() -> None:
        caller, loop = Caller(), asyncio.get_running_loop()
        with unread_pair() as (ours, theirs):
            connection = UpstreamConnection(caller, loop, close_seconds=0.2)
            await loop.connect_accepted_socket(lambda: cast("asyncio.Protocol", connection), ours)
            connection.send_request(caller, UNREAD, complete=True, head_only=False, timeout=60)
            connection.mark_idle()
            if closed_by_us:
                connection.close()
            else:
                theirs.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(PATIENCE):
                await caller.gone.wait()
            assert not caller.failed.is_set()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())
