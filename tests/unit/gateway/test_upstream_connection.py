"""One connection to an upstream: how much of a request it accepted before it closed."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from typing import cast

import pytest
import uvloop

from authz_gateway.http.parser import ResponseHead
from authz_gateway.upstream.connection import ResponseListener, UpstreamConnection
from authz_gateway.upstream.pool import Upstream

ASKED = b"POST /x HTTP/1.1\r\nHost: upstream\r\nContent-Length: 3\r\n\r\nabc"
PATIENCE = 10.0
IDLE_SECONDS = 60.0


class Caller(ResponseListener):
    """Waits for the response, and owns the connection."""

    def __init__(self) -> None:
        self.failed = asyncio.Event()
        self.answered_whole = asyncio.Event()

    def connection_opened(self, connection: UpstreamConnection) -> None:
        pass

    def connection_closed(self, connection: UpstreamConnection) -> None:
        pass

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
        if ended:
            self.answered_whole.set()

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


@pytest.mark.parametrize("idle", [0.0, 1.0])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
@LOOPS
def test_an_idle_connection_is_polled_before_use(
    new_loop: NewLoop, said: bytes, idle: float
) -> None:
    """A close, and a response without a request, before the event loop polls again.

    The loop's clock stands still meanwhile, so the connection may look as if it was never idle.
    """

    async def story(world: World) -> None:
        world.connection.mark_idle()
        world.connection.idle_since -= idle
        assert world.connection.usable(IDLE_SECONDS)
        if said:
            world.theirs.send(said)
        else:
            world.theirs.close()
        assert not world.connection.usable(IDLE_SECONDS)

    run(new_loop, story)


@LOOPS
def test_an_idle_connection_expires(new_loop: NewLoop) -> None:

    async def story(world: World) -> None:
        world.connection.mark_idle()
        world.connection.idle_since -= 1.0
        assert not world.connection.usable(0.9)

    run(new_loop, story)


async def test_a_connection_counts_once_while_it_is_being_made() -> None:
    """Counted twice, it would leave no room for a call that arrives at this moment."""

    class Counting(Upstream):
        counted = 0

        def connection_opened(self, connection: UpstreamConnection) -> None:
            super().connection_opened(connection)
            self.counted = len(self)

    hung_up = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        hung_up.set()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        upstream = Counting(f"http://127.0.0.1:{port}", 2, 2)
        connection = await upstream.acquire("a client")
        assert (upstream.counted, len(upstream)) == (1, 1)
        connection.abort()
        await hung_up.wait()
