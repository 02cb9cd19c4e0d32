"""The connection pool of one upstream."""

import asyncio
import math
import ssl
from collections import deque
from typing import Final, cast

from yarl import URL

from authz_gateway.upstream.connection import UpstreamConnection
from authz_gateway.upstream.shares import Shares
from shared.errors import Throttled, Unavailable

CONNECT_SECONDS: Final = 5.0
"""How long a call waits for its client's share, for a connection, and for a new one to open."""

_TRIES: Final = 10
"""To connect, as long as connections are refused.

A pod that ended refuses them until Kubernetes sends no more there; the next one may reach another.
If one of two pods is gone, 1 of 1024 new connections fails.
"""


class Upstream:
    """At most `limit` connections to one server, at most `share` of them for one client's calls.

    When all are in use, a call waits `connect_seconds` for one. `idle_seconds`: how long an idle
    connection is kept. WebSockets do not count.
    """

    def __init__(
        self, origin: str, limit: int, share: int, *, connect_seconds: float = CONNECT_SECONDS
    ) -> None:
        url = URL(origin)
        self.authority = url.authority if url.explicit_port else url.host_subcomponent or ""
        self._host, self._port = url.host or "", url.port or 0
        self._tls = ssl.create_default_context() if url.scheme == "https" else None
        self._limit = limit
        self._connect_seconds = connect_seconds
        self._shares = Shares(share)
        self.idle_seconds = math.inf
        self._connecting: set[UpstreamConnection] = set()
        self._connections: set[UpstreamConnection] = set()
        self._idle: list[UpstreamConnection] = []
        self._waiters: deque[asyncio.Future[UpstreamConnection | None]] = deque()

    def __len__(self) -> int:
        return len(self._connecting) + len(self._connections)

    def acquire_idle(self, client: str) -> UpstreamConnection | None:
        """An idle connection for a call of this client; None without one, or at its limit."""
        if not self._idle or (share := self._shares.acquire(client)) is None:
            return None
        connection = self._pop_idle()
        if connection is None:
            self._shares.release(share)
        else:
            connection.share = share
        return connection

    async def acquire(self, client: str) -> UpstreamConnection:
        """A connection for a call of this client; waits for one when necessary.

        Raises `OSError` when the upstream cannot be reached (`TimeoutError` when it does not
        respond), `Throttled` when the client's share stays in use, and `Unavailable` when all
        connections stay in use.
        """
        share = self._shares.acquire(client)
        if share is None:
            try:
                async with asyncio.timeout(self._connect_seconds):
                    share = await self._shares.wait_for_slot(client)
            except TimeoutError:
                raise Throttled(1) from None
        try:
            connection = await self._idle_or_new()
        except BaseException:
            self._shares.release(share)
            raise
        connection.share = share
        return connection

    def release(self, connection: UpstreamConnection, *, reuse_bodyless: bool) -> None:
        """Takes back a connection after a response: keeps it for another call, or closes it.

        `reuse_bodyless`: see `UpstreamConnection.reusable`.
        """
        self._release_share(connection)
        connection.mark_idle()
        if not connection.reusable(reuse_bodyless=reuse_bodyless):
            connection.abort()
        elif not self._waiters or not self._hand_over(connection):
            self._idle.append(connection)

    def detach(self, connection: UpstreamConnection) -> None:
        """Removes a connection that became a WebSocket from the pool: it no longer counts."""
        self._connections.discard(connection)
        self._release_share(connection)
        self._hand_over(None)

    def connection_opened(self, connection: UpstreamConnection) -> None:
        """See `ConnectionPool`. From now on it counts as open, no longer as connecting."""
        self._connecting.discard(connection)
        self._connections.add(connection)

    def connection_closed(self, connection: UpstreamConnection) -> None:
        """See `ConnectionPool`."""
        self._release_share(connection)
        if connection not in self._connections:  # it was detached
            return
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._hand_over(None)

    def close_idle(self, now: float) -> None:
        """Closes connections that are idle for too long, before the upstream does."""
        self._shares.drop_idle()
        old = [each for each in self._idle if now - each.idle_since > self.idle_seconds]
        for connection in old:
            self._idle.remove(connection)
            connection.close()

    def close(self) -> None:
        """Closes the idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()

    def _pop_idle(self) -> UpstreamConnection | None:
        """A usable idle connection, the most recently used first."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable(self.idle_seconds):
                return connection
            connection.abort()
        return None

    def _release_share(self, connection: UpstreamConnection) -> None:
        share = connection.share
        if share is not None:
            connection.share = None
            self._shares.release(share)

    async def _idle_or_new(self) -> UpstreamConnection:
        """An idle connection, or a new one."""
        idle = self._pop_idle()
        if idle is not None:
            return idle
        try:
            async with asyncio.timeout(self._connect_seconds):
                while len(self) >= self._limit:
                    released = self._pop_idle() or await self._wait()
                    if released is None:
                        continue
                    if released.usable(self.idle_seconds):
                        return released
                    released.abort()
        except TimeoutError:
            raise Unavailable(self.authority) from None
        tries = _TRIES
        async with asyncio.timeout(self._connect_seconds):
            while True:
                tries -= 1
                try:
                    return await self._connect()
                except ConnectionRefusedError:
                    if not tries:
                        raise

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
                self._hand_over(None)
            raise
        return connection

    async def _wait(self) -> UpstreamConnection | None:
        """Waits for another call to end: a connection, or None for room to open a new one."""
        waiter: asyncio.Future[UpstreamConnection | None]
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # served and cancelled at the same time
                connection = waiter.result()
                if connection is None:
                    self._hand_over(None)
                elif not self._hand_over(connection):
                    self._idle.append(connection)
            raise

    def _hand_over(self, connection: UpstreamConnection | None) -> bool:
        """Gives a connection, or None for room, to the longest waiting call; False without one."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False
