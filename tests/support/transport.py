"""A gateway without other services, between clients and upstreams that send raw bytes."""

import asyncio
import base64
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

import aiohttp
import uvloop
from aiohttp import web
from yarl import URL

from authz_gateway.app import create_app
from authz_gateway.settings import GatewaySettings
from shared.contracts.policy import Policy
from shared.process import Service, running
from shared.settings import load_settings
from tests.support.aiohttp_app import serving
from tests.support.waiting import until

NOWHERE = "http://127.0.0.1:1"
_PATIENCE = 30.0
PATIENT = {"BARONG_SHUTDOWN_SECONDS": "5"}
"""Settings of a gateway that gives the calls under way time to end when it is stopped."""
_OTHER_CALLS = 200
_NONE: Mapping[str, str] = {}
_NO_TIMING: Mapping[str, float] = {}
_EMPTY = (Policy(1, ()),)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
"""An answer."""


def get(path: str = "/x", *lines: str, method: str = "GET", version: str = "1.1") -> str:
    """A request without a body, and with these header lines."""
    return "\r\n".join((f"{method} {path} HTTP/{version}", "Host: gateway", *lines, "", ""))


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: its URLs, and how to stop it."""

    public: str
    internal: str
    stop: Callable[[], None] = field(repr=False)

    async def metric(self, name: str) -> float:
        """A metric without labels."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.internal}/metrics") as got:
            lines = (await got.text()).splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))

    async def has_read(self) -> None:
        """Returns once the gateway has read and handled everything that was sent to it before.

        Two calls, because the first may arrive in the same turn of the event loop as what was sent.
        """
        async with Raw.to(self.public) as other:
            for _ in range(2):
                await other.send(get("/none"))
                assert (await other.answer())[0] == 404


@asynccontextmanager
async def gateway(
    folder: Path,
    routes: str,
    *,
    fast_loop: bool = True,
    settings: Mapping[str, str] = _NONE,
    policies: Sequence[Policy] = _EMPTY,
    timing: Mapping[str, float] = _NO_TIMING,
) -> AsyncIterator[Gateway]:
    """A gateway with these routes; identity-svc is down, so it knows no sessions.

    `fast_loop`: uvloop, as in services, instead of asyncio's own event loop. The last of `policies`
    is in force. `timing`: keyword arguments of `create_app`, seconds.
    """
    file = folder / "routes.yaml"
    file.write_text(routes)
    async with _admin(policies) as admin_url:
        environ = {
            "BARONG_PORT": "0",
            "BARONG_INTERNAL_PORT": "0",
            "BARONG_SERVICE_KEYS": "k:" + base64.b64encode(bytes(32)).decode(),
            "BARONG_IDENTITY_INTERNAL_URL": NOWHERE,
            "BARONG_RESOURCE_INTERNAL_URL": NOWHERE,
            "BARONG_ADMIN_INTERNAL_URL": admin_url,
            "AMQP_URL": "amqp://127.0.0.1:1/",
            "BARONG_ROUTES_FILE": str(file),
            "BARONG_SHUTDOWN_SECONDS": "1",  # many tests end while a call is under way
            "BARONG_THROTTLING": "false",
            **settings,
        }
        loaded = load_settings(GatewaySettings, environ)
        app = partial(create_app, loaded, {}, **timing)
        with _in_a_thread(app, fast_loop=fast_loop) as made:
            await until(partial(_ready, made.internal))
            yield made


@contextmanager
def _in_a_thread(app: Callable[[], Service], *, fast_loop: bool) -> Iterator[Gateway]:
    started: Future[Gateway] = Future()

    async def main() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def tell() -> None:
            with suppress(RuntimeError):  # it has stopped
                loop.call_soon_threadsafe(stop.set)

        try:
            async with running(app()) as addresses:
                started.set_result(Gateway(addresses.public, addresses.internal, tell))
                await stop.wait()
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise

    def run() -> None:
        new_loop = uvloop.new_event_loop if fast_loop else asyncio.new_event_loop
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(main())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        made = started.result(_PATIENCE)
        yield made
    finally:
        if started.done() and not started.exception():
            started.result().stop()
        thread.join()


@asynccontextmanager
async def _admin(policies: Sequence[Policy]) -> AsyncIterator[str]:
    async def policy(request: web.Request) -> web.Response:
        if request.query.get("known") == str(policies[-1].version):
            return web.Response(status=204)
        return web.json_response(policies[-1].to_internal())

    app = web.Application()
    app.router.add_get("/policy", policy)
    async with serving(app) as url:
        yield url


async def _ready(internal: str) -> bool:
    async with aiohttp.ClientSession() as http, http.get(f"{internal}/health/ready") as got:
        return bool((await got.json())["parts"]["policy"] == "up")


def small_socket(url: str) -> socket.socket:
    """A connected socket for which the kernel buffers little."""
    address = URL(url)
    assert address.host
    assert address.port
    made = socket.socket()
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        made.setsockopt(socket.SOL_SOCKET, buffer, 4096)
    made.connect((address.host, address.port))
    return made


UNREAD = bytes(14 * 1024)
"""More than the send buffer of `unread_pair`, and less than pauses a transport's writer."""


@contextmanager
def unread_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Our socket, with a small send buffer, and the peer's, from which nobody reads."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    ours.setblocking(False)
    with closing(theirs):
        yield ours, theirs


class Raw:
    """One end of a connection, for raw bytes; waits for anything half a minute at most."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator[Self]:
        """A connection to the server of this URL."""
        address = URL(url)
        raw = cls(*await asyncio.open_connection(address.host, address.port))
        try:
            yield raw
        finally:
            raw.abort()

    async def send(self, data: bytes | str) -> None:
        """Sends all of it."""
        self.writer.write(data.encode() if isinstance(data, str) else data)
        async with asyncio.timeout(_PATIENCE):
            await self.writer.drain()

    async def until(self, mark: bytes) -> bytes:
        """Everything up to and including `mark`."""
        async with asyncio.timeout(_PATIENCE):
            return await self.reader.readuntil(mark)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of a response, or 0 and headers of a request; names in lower case."""
        start, *lines = (await self.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (x.partition(": ") for x in lines)}
        return (int(start.split()[1]) if start.startswith("HTTP/") else 0), headers

    async def exactly(self, count: int) -> bytes:
        """Exactly `count` bytes."""
        async with asyncio.timeout(_PATIENCE):
            return await self.reader.readexactly(count)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """A whole response to a request other than HEAD."""
        status, headers = await self.head()
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(await self.until(b"\r\n"), 16):
                body += (await self.exactly(size + 2))[:-2]
            assert await self.exactly(2) == b"\r\n"
            return status, headers, body
        if "content-length" in headers:
            return status, headers, await self.exactly(int(headers["content-length"]))
        return status, headers, b"" if status in (204, 304) else await self.rest()

    async def rest(self) -> bytes:
        """Everything until the peer closes the connection."""
        async with asyncio.timeout(_PATIENCE):
            return await self.reader.read()

    async def hung_up(self, seconds: float = _PATIENCE) -> bool:
        """Waits until the peer has closed or reset the connection."""
        async with asyncio.timeout(seconds):
            with suppress(ConnectionResetError):
                assert await self.reader.read() == b""
        return True

    def abort(self) -> None:
        """Closes the connection at once."""
        self.writer.transport.abort()


class Flood:
    """Sends `size` bytes as fast as the peer reads them, while the block runs."""

    def __init__(self, writer: asyncio.StreamWriter, block: bytes, size: int) -> None:
        self._writer = writer
        self._block = block
        self._size = size
        self._written = 0

    @property
    def sent(self) -> int:
        """How many bytes the kernel has accepted so far."""
        buffered: int = self._writer.transport.get_write_buffer_size()
        return self._written - buffered

    async def _send(self) -> None:
        while self._written < self._size:
            self._writer.write(self._block)
            self._written += len(self._block)
            await self._writer.drain()

    async def stuck(self, front: Gateway) -> int:
        """How many bytes were sent when the gateway has stopped reading.

        That is certain when a gateway that still reads would have read more: it answers many calls
        of another client, one after another, and no byte is sent meanwhile.
        """
        async with Raw.to(front.public) as other:
            seen = -1
            while seen != self.sent:
                seen = self.sent
                for _ in range(_OTHER_CALLS):
                    await other.send(get("/none"))
                    assert (await other.answer())[0] == 404
        return seen

    @classmethod
    @asynccontextmanager
    async def through(
        cls, raw: Raw, size: int, block: bytes = bytes(65_536)
    ) -> AsyncIterator[Self]:
        """Starts at once; the end of the block waits until everything was sent."""
        flood = cls(raw.writer, block, size)
        async with asyncio.TaskGroup() as group:
            group.create_task(flood._send())
            yield flood


Serve = Callable[[Raw], Awaitable[None]]


@dataclass(slots=True)
class Upstream:
    """A server that a test controls.

    `connections`: all so far; `arrived`: those that `next` has not returned yet.
    """

    url: str = ""
    serve: Serve | None = None
    connections: list[Raw] = field(default_factory=list)
    arrived: asyncio.Queue[Raw] = field(default_factory=asyncio.Queue)

    async def next(self) -> Raw:
        """The next connection; for an upstream without `serve`."""
        async with asyncio.timeout(_PATIENCE):
            return await self.arrived.get()

    def forget(self) -> None:
        """Closes all connections, so that the next test finds none of them."""
        for raw in self.connections:
            raw.abort()
        while not self.arrived.empty():
            self.arrived.get_nowait()

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = Raw(reader, writer)
        self.connections.append(raw)
        if self.serve is None:
            self.arrived.put_nowait(raw)
            return
        with suppress(OSError, asyncio.IncompleteReadError):
            await self.serve(raw)
        writer.close()

    @classmethod
    @asynccontextmanager
    async def listening(cls, serve: Serve | None = None, port: int = 0) -> AsyncIterator[Self]:
        """Listens while the block runs."""
        upstream = cls(serve=serve)
        server = await asyncio.start_server(upstream._come, "127.0.0.1", port)
        upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield upstream
        finally:
            server.close()
            upstream.forget()
            await server.wait_closed()
