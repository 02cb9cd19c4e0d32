"""The front: it listens, has requests answered, and ends in good order."""

import asyncio
import resource
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, cast

import structlog
from prometheus_client import CollectorRegistry, Gauge

from authz_gateway.http.access_log import Record
from authz_gateway.http.connection import ClientConnection, Limits
from authz_gateway.http.eager import begin
from authz_gateway.http.request import Request
from authz_gateway.http.response_headers import AnswerHeaders
from authz_gateway.http.responses import Answer, failed, refused
from shared.errors import Refusal, Unavailable
from shared.web.client_address import Address, Network, client_address
from shared.web.sockets import own_socket, url_of

log = structlog.get_logger()

_BACKLOG = 1024


class Handler(Protocol):
    """Whoever knows the answers."""

    def at_once(self, request: Request) -> bool:
        """Answers, or has answered, what needs no looking into; False for everything else."""
        ...

    async def __call__(self, request: Request) -> Answer | None:
        """The answer to what `at_once` left, or None when somebody else gives it.

        Raises `Refusal`.
        """
        ...


class Front:
    """All clients' connections."""

    def __init__(
        self,
        handler: Handler,
        record: Record,
        answer_headers: AnswerHeaders,
        registry: CollectorRegistry,
        *,
        limits: Limits,
        max_connections: int,
        trusted_proxies: Sequence[Network],
    ) -> None:
        self.limits = limits
        self.draining = False
        self.answer_headers = answer_headers
        self._handler = handler
        self._record = record
        self.record = record.answered
        self._max_connections = max_connections
        self._trusted_proxies = trusted_proxies
        self._connections: set[ClientConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_gone = asyncio.Event()
        Gauge(
            "gateway_client_connections", "Connections of clients.", registry=registry
        ).set_function(self._connections.__len__)

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
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)

    # What connections tell: see `Host`.

    def opened(self, connection: ClientConnection) -> bool:
        """See `Host`."""
        if self.draining or len(self._connections) >= self._max_connections:
            return False
        self._connections.add(connection)
        peer = connection.address
        connection.trusted = any(peer in network for network in self._trusted_proxies)
        return True

    def closed(self, connection: ClientConnection) -> None:
        """See `Host`."""
        self._connections.discard(connection)
        if not self._connections:
            self._all_gone.set()

    def received(self, request: Request) -> None:
        """See `Host`."""
        connection = request.connection
        if connection.trusted:
            request.address, request.shown_address = self._client_address(request)
        try:
            if self._handler.at_once(request):
                return
        except Exception:
            log.exception("unforeseen_error", request_id=request.id)
            connection.answer(_unforeseen(request))
            return
        structlog.contextvars.bind_contextvars(request_id=request.id)
        task = begin(self._answered(request), self._loop, connection.answered)
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _client_address(self, request: Request) -> tuple[Address, str]:
        headers = request.head.headers
        found: tuple[Address, str] | None = headers.derived.get(client_address)
        if found is None:
            chain = headers.getall("x-forwarded-for", ())
            address = client_address(request.connection.peer, chain, self._trusted_proxies)
            found = headers.derived[client_address] = address, str(address)
        return found

    async def _answered(self, request: Request) -> Answer | None:
        """What the client is told, or None when somebody else tells him."""
        try:
            return await self._handler(request)
        except Refusal as refusal:
            return told(request, refusal)
        except Exception:
            log.exception("unforeseen_error")
            return _unforeseen(request)


def _unforeseen(request: Request) -> Answer:
    request.reason = "server.internal_error"
    return failed(500, (request.reason,))


def told(request: Request, refusal: Refusal) -> Answer:
    """The answer that says what was refused, noted for the log."""
    request.reason = ",".join(refusal.codes)
    if isinstance(refusal, Unavailable):
        log.warning("dependency_unavailable", dependency=refusal.dependency, request_id=request.id)
    return refused(refusal)


def _allow_as_many_files_as_possible() -> None:
    """Each connection is one, and the usual soft limit of 1,024 is for programs that use select."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
