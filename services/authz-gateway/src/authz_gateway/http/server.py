"""The HTTP server: accepts connections, enforces their limits, and drains them on shutdown."""

import asyncio
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, cast

from prometheus_client import CollectorRegistry, Counter, Gauge

from authz_gateway.http.access_log import AccessLog
from authz_gateway.http.connection import ClientConnection, Limits
from authz_gateway.http.headers import TRACE
from authz_gateway.http.parser import RequestReader
from authz_gateway.http.request import Request
from authz_gateway.http.response_headers import ResponseHeaders
from shared.errors import Refusal, Throttled, Unavailable
from shared.values.addresses import Address, Network
from shared.web.client_address import client_address
from shared.web.sockets import own_socket, url_of

_BACKLOG = 1024
_MAX_CACHED_CLIENTS = 4096
_MAX_CACHED_CHAIN_LENGTH = 256


class Dispatcher(Protocol):
    """Answers requests."""

    def dispatch(self, request: Request) -> None:
        """Answers a request, now or later; raises nothing."""
        ...

    async def wait_for_tasks(self, seconds: float) -> None:
        """Returns when all requests that are under way are answered, or after `seconds`."""
        ...


class HttpServer:
    """Owns all client connections; implements `connection.Server`."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        access_log: AccessLog,
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
        self._access_log = access_log
        self.request_finished = access_log.record
        self._max_connections = max_connections
        self._connections_per_address = connections_per_address
        self._max_buffered_bytes = max_buffered_bytes
        self._buffered_bytes = 0
        self._buffering: dict[ClientConnection, None] = {}
        """Connections that buffer bytes, in the order in which they began to."""
        self._connections_of: dict[str, int] = {}
        self._trusted_proxies = trusted_proxies
        self._connections: set[ClientConnection] = set()
        self._all_closed = asyncio.Event()
        self._client_cache: dict[tuple[str, str], tuple[Address, str]] = {}
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
        for reason in ("connections", "address", "memory"):  # exported as 0 from the start
            self._cut.labels(reason)

    @asynccontextmanager
    async def listening(self, host: str, port: int, grace_seconds: float) -> AsyncIterator[str]:
        """Serves while the block runs, and yields the server's URL.

        On exit, stops accepting connections and gives running requests `grace_seconds` to end.
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
            await self._drain(grace_seconds)
            await server.wait_closed()
            self._access_log.flush()

    async def _drain(self, grace_seconds: float) -> None:
        self.draining = True
        for connection in tuple(self._connections):
            connection.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                while self._connections:
                    self._all_closed.clear()
                    await self._all_closed.wait()
        for connection in tuple(self._connections):
            connection.abort()
        await asyncio.sleep(0)  # asyncio calls `connection_lost` of the aborted connections
        await self._dispatcher.wait_for_tasks(seconds=1)

    # See `connection.Server`.

    def connection_opened(self, connection: ClientConnection) -> Refusal | None:
        """See `Server`."""
        if self.draining or len(self._connections) >= self._max_connections:
            self._cut.labels("connections").inc()
            return Unavailable("connections")
        peer = connection.address
        connection.trusted = any(peer in network for network in self._trusted_proxies)
        if not connection.trusted:
            count = self._connections_of.get(connection.network, 0)
            if count >= self._connections_per_address:
                self._cut.labels("address").inc()
                return Throttled(1)
            self._connections_of[connection.network] = count + 1
        self._connections.add(connection)
        return None

    def connection_closed(self, connection: ClientConnection) -> None:
        """See `Server`."""
        if connection not in self._connections:
            return
        self._connections.discard(connection)
        self._buffering.pop(connection, None)
        if not connection.trusted:
            count = self._connections_of[connection.network] - 1
            if count:
                self._connections_of[connection.network] = count
            else:
                del self._connections_of[connection.network]
        if not self._connections:
            self._all_closed.set()

    def buffered_changed(self, connection: ClientConnection, before: int, now: int) -> None:
        """See `Server`.

        While too many bytes are buffered, aborts the connections that began to buffer first.
        """
        self._buffered_bytes += now - before
        if not now:
            self._buffering.pop(connection, None)
            return
        self._buffering[connection] = None
        while self._buffered_bytes > self._max_buffered_bytes and self._buffering:
            oldest = next(iter(self._buffering))
            del self._buffering[oldest]
            self._buffered_bytes -= oldest.evict()
            self._cut.labels("memory").inc()

    def request_received(self, request: Request) -> None:
        """See `Server`."""
        connection = request.connection
        if connection.trusted:
            head = request.head
            chain = head.read.get("x-forwarded-for")
            if chain is not None and "x-forwarded-for" in head.repeated:
                chain = ",".join(head.headers.getall("x-forwarded-for"))
            if chain is not None:
                request.address, request.address_text = self._client(connection.peer, chain)
            if head.flags & TRACE:
                self.trace_received(request)
        self._dispatcher.dispatch(request)

    def trace_received(self, request: Request) -> None:
        """A trusted proxy says to which trace a request belongs: passes it on."""
        request.trace = b"".join([b"%b\r\n" % line for line in request.head.trace])

    def _client(self, peer: str, forwarded_for: str) -> tuple[Address, str]:
        key = (peer, forwarded_for)
        client = self._client_cache.get(key)
        if client is None:
            address = client_address(peer, (forwarded_for,), self._trusted_proxies)
            client = (address, str(address))
            if len(forwarded_for) <= _MAX_CACHED_CHAIN_LENGTH:
                if len(self._client_cache) >= _MAX_CACHED_CLIENTS:
                    self._client_cache.clear()
                self._client_cache[key] = client
        return client


def _allow_as_many_files_as_possible() -> None:
    """Raises the soft limit of open files to the hard limit: each connection is a file.

    The usual soft limit of 1,024 protects programs that use `select`.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
