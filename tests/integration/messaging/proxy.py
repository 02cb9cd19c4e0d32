"""A TCP proxy in front of a server, so that a test can take the connections away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Proxy:
    """Passes everything on until it is told otherwise."""

    host: str
    port: int
    url: str = ""
    refusing: bool = False
    """Whether new connections end at once."""
    accepted: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        """Ends every connection, as a cable that is pulled."""
        for writer in self._writers:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes on one connection, both ways, until either side ends."""
        if self.refusing:
            writer.transport.abort()
            return
        self.accepted += 1
        there, away = await asyncio.open_connection(self.host, self.port)
        ends = {writer, away}
        self._writers |= ends
        ways = [
            asyncio.create_task(_pump(reader, away)),
            asyncio.create_task(_pump(there, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in ends:
                end.transport.abort()
            self._writers -= ends


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def before(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server of `url`; its own `url` leads through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = Proxy(parts.hostname, parts.port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    proxy.url = url.replace(f"@{parts.hostname}:{parts.port}", f"@127.0.0.1:{port}")
    async with server:
        yield proxy
        proxy.refusing = True
        proxy.cut()
