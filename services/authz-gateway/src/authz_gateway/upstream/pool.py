"""One upstream: where it is, and the connections to it that are kept or may be made."""

import asyncio
import ssl
from collections import deque
from typing import cast

from yarl import URL

from authz_gateway.upstream.connection import UpstreamConnection
from shared.errors import Unavailable

_CONNECT_SECONDS = 5.0
_KEPT_SECONDS = 4.0  # less than the servers that wait shortest for another request: Node's 5 s
_OLDEST_SECONDS = 60.0  # then its name is looked up again


class Upstream:
    """At most `limit` connections to one server; who finds none free waits for a moment."""

    def __init__(self, origin: str, limit: int) -> None:
        url = URL(origin)
        self.authority = url.authority if url.explicit_port else url.host_subcomponent or ""
        self._host, self._port = url.host or "", url.port or 0
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._limit = limit
        self._connecting = 0
        self._connections: set[UpstreamConnection] = set()
        self._free: list[UpstreamConnection] = []
        self._waiting: deque[asyncio.Future[UpstreamConnection | None]] = deque()

    def __len__(self) -> int:
        return self._connecting + len(self._connections)

    def kept(self) -> UpstreamConnection | None:
        """A connection that waits for another call, the last one used first."""
        while self._free:
            connection = self._free.pop()
            if connection.usable():
                return connection
        return None

    async def connected(self) -> UpstreamConnection:
        """A connection for a call.

        Raises `OSError`, as a `TimeoutError` where nobody answers, or `Unavailable` where all
        connections stay in use.
        """
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                while len(self) >= self._limit:
                    freed = self.kept() or await self._next_free()
                    if freed is not None and freed.usable():
                        return freed
        except TimeoutError:
            raise Unavailable(self.authority) from None
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await self._connect()

    def free(self, connection: UpstreamConnection) -> None:
        """A call is over, and the upstream waits for another."""
        connection.free()
        if connection.free_since - connection.made > _OLDEST_SECONDS:
            connection.close()
        elif not self._waiting or not self._give(connection):
            self._free.append(connection)

    def made(self, connection: UpstreamConnection) -> None:
        """See `Owner`."""
        self._connections.add(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """See `Owner`."""
        self._connections.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        self._give(None)

    def forget_unused(self, now: float) -> None:
        """Closes what was not used for long, before the upstream does."""
        old = [each for each in self._free if now - each.free_since > _KEPT_SECONDS]
        for connection in old:
            self._free.remove(connection)
            connection.close()

    def close(self) -> None:
        """Closes what is kept."""
        for connection in self._free:
            connection.close()
        self._free.clear()

    async def _connect(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        connection = UpstreamConnection(self, loop)
        self._connecting += 1
        try:
            await loop.create_connection(
                lambda: cast("asyncio.Protocol", connection),
                self._host,
                self._port,
                ssl=self._tls,
                server_hostname=self._host if self._tls else None,
            )
        except BaseException:
            self._give(None)
            raise
        finally:
            self._connecting -= 1
        return connection

    async def _next_free(self) -> UpstreamConnection | None:
        """What the next call leaves: a connection, or None for room to make one."""
        turn: asyncio.Future[UpstreamConnection | None]
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given something at the last moment
                connection = turn.result()
                if connection is None:
                    self._give(None)
                else:
                    self.free(connection)
            raise

    def _give(self, connection: UpstreamConnection | None) -> bool:
        """Gives a connection, or the room for one, to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False
