"""A gate before a server: shut, the server is as good as down, and what passed is cut off."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from deploy.local import ports


class Gate:
    """Passes TCP connections on to one address, while it is open; `accepted`: how many, so far."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._server_port = parts.hostname or "", parts.port or 0
        self._port = ports.free_ports(1)[0]
        credentials = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{credentials}@127.0.0.1:{self._port}"))
        self.accepted = 0
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._wire = asyncio.Event()
        self._wire.set()

    @classmethod
    @contextlib.asynccontextmanager
    async def before(cls, url: str) -> AsyncIterator[Self]:
        """A shut gate before the server of `url`; its own `url` leads through it."""
        gate = cls(url)
        try:
            yield gate
        finally:
            await gate.shut()

    async def open(self) -> None:
        """Lets connections pass from now on."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self._port)

    async def shut(self) -> None:
        """Refuses connections from now on, and cuts those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        passing = tuple(self._passing)
        self.cut()
        await asyncio.gather(*passing, return_exceptions=True)

    def cut(self) -> None:
        """Cuts the connections that there are; others may come."""
        for task in tuple(self._passing):
            task.cancel()

    def freeze(self) -> None:
        """Passes no further byte of the connections that there are, and cuts none."""
        self._wire.clear()
        self._wire = asyncio.Event()
        self._wire.set()

    def lead_to(self, url: str) -> None:
        """Passes later connections to another server."""
        parts = urlsplit(url)
        self._host, self._server_port = parts.hostname or "", parts.port or 0

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        self.accepted += 1
        try:
            await self._pour_both_ways(reader, writer)
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._passing.discard(task)

    async def _pour_both_ways(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        wire = self._wire
        there, back = await asyncio.open_connection(self._host, self._server_port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pour(reader, back, wire))
                group.create_task(_pour(there, writer, wire))
        finally:
            back.transport.abort()


async def _pour(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wire: asyncio.Event
) -> None:
    while data := await reader.read(65_536):
        await wire.wait()
        writer.write(data)
        await writer.drain()
    raise ConnectionResetError  # one side hung up: so does the other
