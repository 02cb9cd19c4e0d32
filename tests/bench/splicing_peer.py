"""The least that a proxy in Python can do: it passes bytes on, and reads none: PORT UPSTREAM_PORT.

Each client gets an upstream's connection of its own. What this costs, on asyncio's protocols and
uvloop, no gateway that is built on them can cost less.
"""

import asyncio
import sys
from typing import cast

import uvloop


class Upstream(asyncio.Protocol):
    """Passes on what the upstream sends."""

    def __init__(self, client: asyncio.Transport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._client.write(data)


class Client(asyncio.Protocol):
    """Passes on what a client sends, once there is an upstream."""

    def __init__(self, upstream_port: int) -> None:
        self._port = upstream_port
        self._upstream: asyncio.Transport | None = None
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast(asyncio.Transport, transport)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self._upstream is None:
            self._early += data
        else:
            self._upstream.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio."""
        self._connecting.cancel()
        if self._upstream is not None:
            self._upstream.close()

    async def _connect(self) -> None:
        self._upstream, _ = await asyncio.get_running_loop().create_connection(
            lambda: Upstream(self._transport), "127.0.0.1", self._port
        )
        self._upstream.write(self._early)


async def serve(port: int, upstream_port: int) -> None:
    """Serves until it is killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(upstream_port), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
