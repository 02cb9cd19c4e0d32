"""A request to the gateway's HTTP server that comes from this process, without a socket."""

import asyncio
from collections.abc import Callable
from typing import Any

from authz_gateway.http.connection import ClientConnection, Server


class InMemoryTransport(asyncio.Transport):
    """The client's end of a connection: `answer` is all that the server wrote, when it has closed.

    `peer` is the address that the request counts as coming from.
    """

    def __init__(self, peer: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._peer = peer
        self._loop = loop
        self._written: list[bytes] = []
        self._closing = False
        self._closed: Callable[[], None] | None = None
        self.answer: asyncio.Future[bytes] = loop.create_future()

    def connect(self, connection: ClientConnection) -> None:
        """Opens the connection."""
        self._closed = lambda: connection.connection_lost(None)
        connection.connection_made(self)

    # Called by the connection.

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See `asyncio.BaseTransport`."""
        return (self._peer, 0) if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See `asyncio.WriteTransport`: nothing waits to be written."""

    def get_write_buffer_size(self) -> int:
        """See `asyncio.WriteTransport`."""
        return 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See `asyncio.WriteTransport`."""
        self._written.append(bytes(data))

    def write_eof(self) -> None:
        """See `asyncio.WriteTransport`: the answer is complete."""
        self.close()

    def pause_reading(self) -> None:
        """See `asyncio.ReadTransport`: the whole request was given at once."""

    def resume_reading(self) -> None:
        """See `asyncio.ReadTransport`."""

    def is_closing(self) -> bool:
        """See `asyncio.BaseTransport`."""
        return self._closing

    def close(self) -> None:
        """See `asyncio.BaseTransport`."""
        if self._closing:
            return
        self._closing = True
        if not self.answer.done():
            self.answer.set_result(b"".join(self._written))
        if self._closed is not None:
            self._loop.call_soon(self._closed)

    def abort(self) -> None:
        """See `asyncio.WriteTransport`."""
        self.close()


async def answered(server: Server, peer: str, request: bytes) -> bytes:
    """The whole answer of the server to a request, which asks for the connection to be closed.

    Empty if the server gave none. When cancelled, the connection is closed, as by a client.
    """
    loop = asyncio.get_running_loop()
    transport = InMemoryTransport(peer, loop)
    connection = ClientConnection(server, loop)
    transport.connect(connection)
    try:
        if not transport.is_closing():
            connection.data_received(request)
        return await transport.answer
    finally:
        transport.close()
