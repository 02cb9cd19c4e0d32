"""The front: it listens, has requests answered, and ends in good order."""

import asyncio
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from prometheus_client import CollectorRegistry, Counter, Gauge

from authz_gateway.http.access_log import AccessLog
from authz_gateway.http.connection import ClientConnection, Limits
from authz_gateway.http.dispatcher import Dispatcher
from authz_gateway.http.parser import RequestReader
from authz_gateway.http.request import Request
from authz_gateway.http.response_headers import ResponseHeaders
from shared.errors import Refusal, Throttled, Unavailable
from shared.values.addresses import Address, Network
from shared.web.client_address import client_address
from shared.web.sockets import own_socket, url_of

_BACKLOG = 1024
_MOST_CLIENTS = 4096
_LONGEST_CHAIN = 256


class HttpServer:
    """All clients' connections."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        record: AccessLog,
        response_headers: ResponseHeaders,
        registry: CollectorRegistry,
        *,
        limits: Limits,
        max_connections: int,
        connections_per_address: int,
        max_buffered_bytes: int,
        trusted_proxies: Sequence[Network],
    ) -> None:
        self.limits = limits
        self.reader = RequestReader(limits.head)
        self.draining = False
        self.response_headers = response_headers
        self._dispatcher = dispatcher
        self._record = record
        self.record = record.answered
        self._max_connections = max_connections
        self._connections_per_address = connections_per_address
        self._max_buffered_bytes = max_buffered_bytes
        self._buffered_bytes = 0
        self._heavy: dict[ClientConnection, None] = {}
        """Connections that hold bytes in memory; the one that began first comes first."""
        self._of_subscriber: dict[str, int] = {}
        self._trusted_proxies = trusted_proxies
        self._connections: set[ClientConnection] = set()
        self._all_gone = asyncio.Event()
        self._clients: dict[tuple[str, str], tuple[Address, str]] = {}
        Gauge(
            "gateway_client_connections", "Connections of clients.", registry=registry
        ).set_function(self._connections.__len__)
        Gauge(
            "gateway_buffered_bytes",
            "Bytes of requests and answers that wait in memory for a client or an upstream.",
            registry=registry,
        ).set_function(lambda: self._buffered_bytes)
        self._cut = Counter(
            "gateway_connections_cut",
            "Clients' connections that were cut, or refused, for their share of what is limited.",
            ("reason",),
            registry=registry,
        )
        for reason in ("connections", "address", "memory"):  # there from the start, to be watched
            self._cut.labels(reason)

    @asynccontextmanager
    async def listening(self, host: str, port: int, patience: float) -> AsyncIterator[str]:
        """Serves for the time of the block; gives the address.

        Leaving, it takes no more connections and lets calls under way end, for so many seconds.
        """
        _allow_as_many_files_as_possible()
        loop = self._loop = asyncio.get_running_loop()
        sock = own_socket(host, port, _BACKLOG)
        place: dict[str, Any] = {"host": host, "port": port} if sock is None else {"sock": sock}
        server = await loop.create_server(
            lambda: cast("asyncio.Protocol", ClientConnection(self, loop)),
            backlog=_BACKLOG,
            **place,
        )
        try:
            yield url_of(server.sockets[0].getsockname()[:2])
        finally:
            server.close()
            await self._drain(patience)
            await server.wait_closed()
            self._record.write()

    async def _drain(self, patience: float) -> None:
        self.draining = True
        for connection in tuple(self._connections):
            connection.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._connections:
                    self._all_gone.clear()
                    await self._all_gone.wait()
        for connection in tuple(self._connections):
            connection.cut()
        await asyncio.sleep(0)  # in which those that were cut off are told so
        await self._dispatcher.ended(seconds=1)

    # What connections tell: see `Host`.

    def opened(self, connection: ClientConnection) -> Refusal | None:
        """See `Host`."""
        if self.draining or len(self._connections) >= self._max_connections:
            self._cut.labels("connections").inc()
            return Unavailable("connections")
        peer = connection.address
        connection.trusted = any(peer in network for network in self._trusted_proxies)
        if not connection.trusted:
            count = self._of_subscriber.get(connection.subscriber, 0)
            if count >= self._connections_per_address:
                self._cut.labels("address").inc()
                return Throttled(1)
            self._of_subscriber[connection.subscriber] = count + 1
        self._connections.add(connection)
        return None

    def closed(self, connection: ClientConnection) -> None:
        """See `Host`."""
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        self._heavy.pop(connection, None)
        if not connection.trusted:
            count = self._of_subscriber[connection.subscriber] - 1
            if count:
                self._of_subscriber[connection.subscriber] = count
            else:
                del self._of_subscriber[connection.subscriber]
        if not self._connections:
            self._all_gone.set()

    def weighed(self, connection: ClientConnection, before: int, now: int) -> None:
        """See `Host`.

        When too much waits in memory, those go who have made something wait for longest.
        """
        self._buffered_bytes += now - before
        if not now:
            self._heavy.pop(connection, None)
            return
        self._heavy[connection] = None
        while self._buffered_bytes > self._max_buffered_bytes and self._heavy:
            oldest = next(iter(self._heavy))
            del self._heavy[oldest]
            self._buffered_bytes -= oldest.shed()
            self._cut.labels("memory").inc()

    def received(self, request: Request) -> None:
        """See `Host`."""
        connection = request.connection
        if connection.trusted:
            head = request.head
            chain = head.read.get("x-forwarded-for")
            if chain is not None and "x-forwarded-for" in head.repeated:
                chain = ",".join(head.headers.getall("x-forwarded-for"))
            if chain is not None:
                request.address, request.shown_address = self._client(connection.peer, chain)
        self._dispatcher.dispatch(request)

    def _client(self, peer: str, forwarded_for: str) -> tuple[Address, str]:
        key = (peer, forwarded_for)
        client = self._clients.get(key)
        if client is None:
            address = client_address(peer, (forwarded_for,), self._trusted_proxies)
            client = (address, str(address))
            if len(forwarded_for) <= _LONGEST_CHAIN:
                if len(self._clients) >= _MOST_CLIENTS:
                    self._clients.clear()
                self._clients[key] = client
        return client


def _allow_as_many_files_as_possible() -> None:
    """Each connection is one, and the usual soft limit of 1,024 is for programs that use select."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
