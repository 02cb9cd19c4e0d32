"""An idle connection to an upstream, and how connections count."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from typing import cast

import pytest
import uvloop

from authz_gateway.upstream.connection import UpstreamConnection
from authz_gateway.upstream.pool import Upstream

IDLE_SECONDS = 60.0


class Pool:
    """Owns the connection."""

    def connection_opened(self, connection: UpstreamConnection) -> None:
        pass

    def connection_closed(self, connection: UpstreamConnection) -> None:
        pass


Story = Callable[[UpstreamConnection, socket.socket], Awaitable[None]]
NewLoop = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize("new_loop", [uvloop.new_event_loop, asyncio.new_event_loop])


def run(new_loop: NewLoop, story: Story) -> None:
    """With an open connection, and the upstream's socket, which nobody serves."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.1", 0)) as server:
            connection = UpstreamConnection(Pool(), loop)
            host, port = server.getsockname()
            await loop.create_connection(lambda: cast("asyncio.Protocol", connection), host, port)
            with closing(server.accept()[0]) as theirs:
                await story(connection, theirs)
                connection.abort()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(main())


@pytest.mark.parametrize("idle", [0.0, 1.0])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
@LOOPS
def test_an_idle_connection_is_polled_before_use(
    new_loop: NewLoop, said: bytes, idle: float
) -> None:
    """A close, and a response without a request, before the event loop polls again.

    The loop's clock stands still meanwhile, so the connection may look as if it was never idle.
    """

    async def story(connection: UpstreamConnection, theirs: socket.socket) -> None:
        connection.mark_idle()
        connection.idle_since -= idle
        assert connection.usable(IDLE_SECONDS)
        if said:
            theirs.send(said)
        else:
            theirs.close()
        assert not connection.usable(IDLE_SECONDS)

    run(new_loop, story)


@LOOPS
def test_an_idle_connection_expires(new_loop: NewLoop) -> None:

    async def story(connection: UpstreamConnection, theirs: socket.socket) -> None:
        connection.mark_idle()
        connection.idle_since -= 1.0
        assert not connection.usable(0.9)

    run(new_loop, story)


async def test_a_connection_counts_once_while_it_is_being_made() -> None:
    """Counted twice, it would leave no room for a call that arrives at this moment."""

    hung_up = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        hung_up.set()

    server = await asyncio.start_server(wait, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        upstream = Upstream(f"http://127.0.0.1:{port}", 2, 2)
        acquiring = asyncio.ensure_future(upstream.acquire("a client"))
        counted = set()
        while not acquiring.done():
            counted.add(len(upstream))
            await asyncio.sleep(0)
        connection = await acquiring
        assert (counted | {len(upstream)}) <= {0, 1}
        assert len(upstream) == 1
        connection.abort()
        await hung_up.wait()
