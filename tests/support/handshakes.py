"""A broker that takes the first steps of the AMQP 0-9-1 handshake, and then does what a test wants.

A real broker cannot be told to fall silent between two frames.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

from pamqp import commands, frame

from tests.support.waiting import until

START = commands.Connection.Start(server_properties={"capabilities": {}})
TUNE = commands.Connection.Tune(channel_max=10, frame_max=131_072, heartbeat=60)
OPENED = commands.Connection.OpenOk()
BAD_PASSWORD = commands.Connection.Close(403, "ACCESS_REFUSED", 0, 0)
NO_SUCH_HOST = commands.Connection.Close(530, "NOT_ALLOWED - vhost not found", 10, 40)
SILENCE, HANG_UP = "silence", "hang up"

# After which of its frames the broker waits for how many frames of the client's.
_ANSWERED_BY = {commands.Connection.Start: 1, commands.Connection.Tune: 2}


class HalfBroker:
    """Sends `steps` to each client: frames, then perhaps SILENCE or HANG_UP.

    `url` leads to it. `done` is set when a client has got all of them; `clients` counts those that
    are connected.
    """

    def __init__(self, steps: Sequence[Any], closes: bool) -> None:
        self.url = ""
        self.done = asyncio.Event()
        self.clients = 0
        self._steps = steps
        self._closes = closes

    @classmethod
    @asynccontextmanager
    async def listening(cls, *steps: Any, closes: bool = True) -> AsyncIterator[Self]:
        """Listens for the time of the block; unless it `closes`, it does not confirm a close."""
        broker = cls(steps, closes)
        server = await asyncio.start_server(broker._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        broker.url = f"amqp://user:secret@127.0.0.1:{port}/host"
        try:
            yield broker
        finally:
            server.close()
            await broker.is_left()

    async def is_left(self) -> None:
        """Returns when no client is connected."""

        async def nobody() -> bool:
            return self.clients == 0

        await until(nobody, 5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                await self._talk(reader, writer)
        finally:
            writer.close()
            self.clients -= 1

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # the protocol header
        for step in self._steps:
            if step == HANG_UP:
                return
            if step == SILENCE:
                break
            writer.write(frame.marshal(step, 0))
            await writer.drain()
            for _ in range(_ANSWERED_BY.get(type(step), 0)):
                await _frame(reader)
        self.done.set()
        while await _frame(reader) != commands.Connection.Close:
            pass
        if self._closes:
            writer.write(frame.marshal(commands.Connection.CloseOk(), 0))
            await writer.drain()
        await reader.read()


async def _frame(reader: asyncio.StreamReader) -> type[object]:
    """The kind of the client's next frame."""
    head = await reader.readexactly(7)
    body = await reader.readexactly(int.from_bytes(head[3:]) + 1)
    return type(frame.unmarshal(head + body)[2])
