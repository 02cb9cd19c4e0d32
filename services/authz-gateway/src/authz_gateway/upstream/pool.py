"""One upstream: where it is, and the connections to it that are kept or may be made."""

import asyncio
import math
import ssl
from collections import deque
from typing import cast

from yarl import URL

from authz_gateway.upstream.connection import UpstreamConnection
from authz_gateway.upstream.shares import Shares
from shared.errors import Throttled, Unavailable

_CONNECT_SECONDS = 5.0


class Upstream:
    """At most `limit` connections to one server, `share` of them for one client's calls.

    Who finds none free waits for a moment. `idle_seconds`: how long one is kept for another call.
    WebSockets do not count.
    """

    def __init__(self, origin: str, limit: int, share: int) -> None:
        url = URL(origin)
        self.authority = url.authority if url.explicit_port else url.host_subcomponent or ""
        self._host, self._port = url.host or "", url.port or 0
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._limit = limit
        self._shares = Shares(share)
        self.idle_seconds = math.inf
        self._connecting: set[UpstreamConnection] = set()
        self._connections: set[UpstreamConnection] = set()
        self._free: list[UpstreamConnection] = []
        self._waiting: deque[asyncio.Future[UpstreamConnection | None]] = deque()

    def __len__(self) -> int:
        return len(self._connecting) + len(self._connections)

    def take(self, client: str) -> UpstreamConnection | None:
        """A kept connection for a call of this client, if there is one and the client may."""
        if not self._free or (share := self._shares.take(client)) is None:
            return None
        connection = self._kept()
        if connection is None:
            self._shares.give_back(share)
        else:
            connection.share = share
        return connection

    async def connected(self, client: str) -> UpstreamConnection:
        """A connection for a call of this client.

        Raises `OSError`, as a `TimeoutError` where nobody answers, `Throttled` where the client
        keeps its share in use, or `Unavailable` where all connections stay in use.
        """
        share = self._shares.take(client)
        if share is None:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    share = await self._shares.wait(client)
            except TimeoutError:
                raise Throttled(1) from None
        try:
            connection = await self._any()
        except BaseException:
            self._shares.give_back(share)
            raise
        connection.share = share
        return connection

    def over(self, connection: UpstreamConnection, *, after_bodyless: bool) -> None:
        """A call was answered: the connection is kept for another, or closed.

        `after_bodyless` is that of `UpstreamConnection.reusable`.
        """
        self._give_back_share(connection)
        connection.free()
        if not connection.reusable(after_bodyless=after_bodyless):
            connection.abort()
        elif not self._waiting or not self._give(connection):
            self._free.append(connection)

    def detach(self, connection: UpstreamConnection) -> None:
        """The connection carries a WebSocket from now on: there is room for another."""
        self._connections.discard(connection)
        self._give_back_share(connection)
        self._give(None)

    def made(self, connection: UpstreamConnection) -> None:
        """See `Owner`: counted once, though whoever waits for it does not have it yet."""
        self._connecting.discard(connection)
        self._connections.add(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """See `Owner`."""
        self._give_back_share(connection)
        if connection not in self._connections:  # it was detached
            return
        self._connections.discard(connection)
        if connection in self._free:
            self._free.remove(connection)
        self._give(None)

    def forget_unused(self, now: float) -> None:
        """Closes what was not used for long, before the upstream does."""
        self._shares.forget_unused()
        old = [each for each in self._free if now - each.free_since > self.idle_seconds]
        for connection in old:
            self._free.remove(connection)
            connection.close()

    def close(self) -> None:
        """Closes what is kept."""
        for connection in self._free:
            connection.close()
        self._free.clear()

    def _kept(self) -> UpstreamConnection | None:
        """A connection that waits for another call, the last one used first."""
        while self._free:
            connection = self._free.pop()
            if connection.fresh(self.idle_seconds):
                return connection
            connection.abort()
        return None

    def _give_back_share(self, connection: UpstreamConnection) -> None:
        share = connection.share
        if share is not None:
            connection.share = None
            self._shares.give_back(share)

    async def _any(self) -> UpstreamConnection:
        """A kept connection, or a new one."""
        kept = self._kept()
        if kept is not None:
            return kept
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                while len(self) >= self._limit:
                    freed = self._kept() or await self._next_free()
                    if freed is None:
                        continue
                    if freed.fresh(self.idle_seconds):
                        return freed
                    freed.abort()
        except TimeoutError:
            raise Unavailable(self.authority) from None
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await self._connect()

    async def _connect(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        connection = UpstreamConnection(self, loop)
        self._connecting.add(connection)
        try:
            await loop.create_connection(
                lambda: cast("asyncio.Protocol", connection),
                self._host,
                self._port,
                ssl=self._tls,
                server_hostname=self._host if self._tls else None,
            )
        except BaseException:
            self._connecting.discard(connection)
            if connection in self._connections:
                connection.abort()
            else:
                self._give(None)
            raise
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
                elif not self._give(connection):
                    self._free.append(connection)
            raise

    def _give(self, connection: UpstreamConnection | None) -> bool:
        """Gives a connection, or the room for one, to whoever waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return True
        return False
