"""An application as a server: what it accepts, and our answers to what aiohttp refuses by itself.

aiohttp tells such clients in plain text what it could not read. So scripts could read what browsers
keep from them: the message about a long header has the session cookie in it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import _ErrInfo

from shared.errors import HeadersTooLarge, Malformed, Refusal, UriTooLong
from shared.web.access_log import UNKNOWN_ROUTE
from shared.web.errors import failed, refused, translated
from shared.web.metrics import HttpMetrics
from shared.web.request_ids import new_request_id
from shared.web.sockets import own_socket, url_of

HTTP_METRICS = web.AppKey("http_metrics", HttpMetrics)
"""The metrics of requests that reach no route; an application may have none."""

_BACKLOG = 1024
_ADDED_URL_BYTES = 1024
_ADDED_HEADER_BYTES = 8192
_ADDED_HEADERS = 16
"""The size of what the gateway adds to a head: X-Forwarded-…, the token, another prefix."""

_TOO_MANY_HEADERS = "Too many headers received"
_UNREADABLE_METHOD = "UNKNOWN"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLimits:
    """The largest head of a request at the gateway; services accept what it adds, too."""

    url_bytes: int = 8192
    header_bytes: int = 32_768
    headers: int = 100


@asynccontextmanager
async def listening(
    app: web.Application,
    host: str,
    port: int,
    *,
    shutdown_seconds: float,
    limits: HeadLimits | None = None,
) -> AsyncIterator[str]:
    """Serves `app` for the time of the block, and gives the address.

    Bodies arrive as they were sent: nothing is decompressed. At its end it stops listening and lets
    calls under way end, for `shutdown_seconds` seconds.
    """
    limits = limits or HeadLimits()
    url_bytes = limits.url_bytes + _ADDED_URL_BYTES
    runner = _Runner(
        app,
        limits.header_bytes + _ADDED_HEADER_BYTES,
        access_log=None,
        handler_cancellation=False,
        shutdown_timeout=shutdown_seconds,
        auto_decompress=False,
        max_line_size=url_bytes,
        # The limit that was exceeded shows whether the URL or a header is too long.
        max_field_size=max(limits.header_bytes + _ADDED_HEADER_BYTES, url_bytes + 1),
        max_headers=limits.headers + _ADDED_HEADERS,
    )
    await runner.setup()
    try:
        sock = own_socket(host, port, _BACKLOG)
        if sock is not None:
            await web.SockSite(runner, sock, backlog=_BACKLOG).start()
        else:
            await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
        yield url_of(runner.addresses[0][:2])
    finally:
        await runner.cleanup()


class _Runner(web.AppRunner):
    """Runs an application on our server."""

    def __init__(self, app: web.Application, header_bytes: int, **options: Any) -> None:
        super().__init__(app, **options)
        self._header_bytes = header_bytes
        self._options = options

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        options = {key: value for key, value in self._options.items() if key != "shutdown_timeout"}
        return _Server(
            _Answering(made.request_handler, self.app, self._header_bytes),
            made.request_factory,
            options,
        )


class _Answering:
    """The application, with an answer to what it leaves to aiohttp."""

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        app: web.Application,
        header_bytes: int,
    ) -> None:
        self._handler = handler
        self._metrics = app.get(HTTP_METRICS)
        self._header_bytes = header_bytes

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        size = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
        if size > self._header_bytes:
            return self.refusal(request, request.method, HeadersTooLarge())
        try:
            response: web.StreamResponse | None = await self._handler(request)
        except web.HTTPException as error:
            return self._noted(request, request.method, translated(error), type(error).__name__)
        return self.failure(request) if response is None else response

    def refusal(self, request: web.BaseRequest, method: str, refusal: Refusal) -> web.Response:
        """The answer to a refusal, which is logged and counted."""
        return self._noted(request, method, refused(refusal), ",".join(refusal.codes))

    def failure(self, request: web.BaseRequest) -> web.Response:
        """The answer to an unforeseen error, which is logged and counted."""
        return self._noted(request, request.method, failed(), "server.internal_error")

    def _noted(
        self, request: web.BaseRequest, method: str, response: web.Response, reason: str
    ) -> web.Response:
        response.headers["X-Request-Id"] = own_id = new_request_id()
        if self._metrics is not None:
            self._metrics.observe(method, UNKNOWN_ROUTE, response.status, 0.0)
        log.info(
            "request",
            method=method,
            route=UNKNOWN_ROUTE,
            status=response.status,
            address=request.remote,
            reason=reason,
            request_id=own_id,
        )
        return response


class _Server(web.Server):
    """Makes our connections."""

    def __init__(
        self, answering: _Answering, request_factory: Any, options: dict[str, Any]
    ) -> None:
        handler_cancellation = options.pop("handler_cancellation")
        super().__init__(
            answering,
            request_factory=request_factory,
            handler_cancellation=handler_cancellation,
            **options,
        )
        self._answering = answering
        self._options = options

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, self._answering, **self._options)


class _Connection(web.RequestHandler):
    """Answers unreadable requests like any other error, and echoes nothing of them."""

    __slots__ = ("_answering",)

    def __init__(self, server: _Server, answering: _Answering, **options: Any) -> None:
        super().__init__(server, loop=server._loop, **options)  # noqa: SLF001 - as its own does
        self._answering = answering

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to bytes that are no request, or to an exception that nobody handled."""
        if request.writer.output_size > 0:
            raise ConnectionError("The answer has begun: it ends here.")
        if status == 400:
            refusal = _meaning(exc, self.max_line_size)
            response = self._answering.refusal(request, _UNREADABLE_METHOD, refusal)
        else:
            log.error("unforeseen_error", exc_info=exc)
            response = self._answering.failure(request)
        response.force_close()
        return response

    def data_received(self, data: bytes) -> None:
        """Takes bytes; a malformed body fails where it is read.

        aiohttp would go on to answer what follows as if it were a request, and the reader would
        wait until the client leaves.
        """
        super().data_received(data)
        if not self._messages or not isinstance(self._messages[-1][0], _ErrInfo):
            return
        bodies = [body for _, body in self._messages]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        broken = [body for body in bodies if not body.is_eof()]
        for body in broken:
            body.set_exception(web.RequestPayloadError())
            body.feed_eof()
        if broken:
            self._messages.pop()
            self.close()


def _meaning(error: BaseException | None, url_bytes: int) -> Refusal:
    if isinstance(error, LineTooLong):
        return UriTooLong() if error.args[1] == url_bytes else HeadersTooLarge()
    return HeadersTooLarge() if error and error.args == (_TOO_MANY_HEADERS,) else Malformed()
