"""Sends calls to the upstreams of their routes."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge

from authz_gateway.authn.sessions import without_session_cookie
from authz_gateway.authz.pipeline import Caller
from authz_gateway.http.parser import AnswerHead
from authz_gateway.http.request import Request
from authz_gateway.http.request_body import NO_BODY
from authz_gateway.routing.route_table import Route
from authz_gateway.upstream.connection import UpstreamConnection
from authz_gateway.upstream.exchange import Exchange, Line
from authz_gateway.upstream.headers import chain, forwarded, wants_trailers
from authz_gateway.upstream.pool import Upstream
from authz_gateway.upstream.tunnel import Tunnel
from authz_gateway.upstream.websocket import Review, WebSockets
from shared.web.tallies import Timings

_LOOK_SECONDS = 1.0


class _Sent(NamedTuple):
    """What an upstream is sent of the same headers each time, as long as the token is the same."""

    line: Line
    token: str | None
    fields: bytes


class Proxy:
    """The connections to all upstreams."""

    def __init__(
        self,
        registry: CollectorRegistry,
        websockets: WebSockets,
        *,
        session_cookie: str,
        timeout: float,
        max_connections: int,
        websocket_timeout: float,
        changed: Callable[[str], Awaitable[None] | None],
    ) -> None:
        """Times in seconds; `max_connections` to each upstream.

        `changed` is told what answers of trusted upstreams say that they changed, see `Line`.
        """
        self._session_cookie = session_cookie
        self._timeout = timeout
        self._max_connections = max_connections
        self._websocket_timeout = websocket_timeout
        self._changed = changed
        self._upstreams: dict[str, Upstream] = {}
        self._lines: dict[str, Line] = {}
        self._websockets = websockets
        self._seconds = Timings(
            "gateway_upstream_seconds",
            "Time until an upstream begins to answer.",
            ("route",),
            registry,
        )
        Gauge(
            "gateway_upstream_connections", "Connections to upstreams.", registry=registry
        ).set_function(lambda: sum(map(len, self._upstreams.values())))

    async def run(self) -> None:
        """Closes connections that were not used for long, and all that are kept when it ends."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                for upstream in self._upstreams.values():
                    upstream.forget_unused(loop.time())
        finally:
            for upstream in self._upstreams.values():
                upstream.close()

    def forward(
        self,
        route: Route,
        start: bytes,
        review: Callable[[Caller | None], Review] | None,
        request: Request,
        caller: Caller | None,
    ) -> None:
        """Has the route's upstream answer a request, whose first line it gets is `start`.

        `review` is for the WebSocket that it may become, None where it may not. Raises `TooLarge`
        or `Malformed` for the body that the client sends.
        """
        if request.body is not NO_BODY:
            request.body.require_fitting()
        line = self._lines.get(route.prefix) or self._line(route)
        token = None if caller is None else caller.token
        if review is not None and _asks_for_websocket(request):
            fields = self._fields(request, route, token, line, upgrade=True)
            switching = partial(self._switch, review(caller))
        else:
            derived = request.head.headers.derived
            sent: _Sent | None = derived.get(_Sent)
            if sent is None or sent.token is not token or sent.line is not line:
                fields = self._fields(request, route, token, line, upgrade=False)
                sent = derived[_Sent] = _Sent(line, token, fields)
            fields = sent.fields
            switching = None
        Exchange(request, line, start + fields, switching).start()

    def _fields(
        self, request: Request, route: Route, token: str | None, line: Line, *, upgrade: bool
    ) -> bytes:
        """The header lines that an upstream is sent; the last lacks its value, the request's id."""
        head, connection = request.head, request.connection
        headers = head.headers
        lines = [f"Host: {line.upstream.authority}"]
        if route.cookies:
            kept = ("authorization", "cookie") if token is None else ("cookie",)
            lines += forwarded(headers, kept=kept)
        else:
            lines += forwarded(headers)
            if "cookie" in headers:
                others = without_session_cookie(headers.getall("cookie"), self._session_cookie)
                if others:
                    lines.append(f"Cookie: {others}")
        if head.length is None:
            lines.append("Transfer-Encoding: chunked")
        elif "content-length" in headers:
            lines.append(f"Content-Length: {head.length}")
        if upgrade:
            lines += ("Connection: Upgrade", "Upgrade: websocket")
        elif route.trailers and wants_trailers(headers):
            lines += ("TE: trailers", "Connection: TE")
        forwarded_for = chain(headers.getall("x-forwarded-for", ()), connection.peer)
        host = headers.get("host", "")
        scheme = "http"
        if connection.trusted:
            host = headers.get("x-forwarded-host", host)
            scheme = headers.get("x-forwarded-proto", scheme)
        lines += (
            f"X-Forwarded-For: {forwarded_for}",
            f"X-Forwarded-Host: {host}",
            f"X-Forwarded-Proto: {scheme}",
        )
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        lines.append("X-Request-Id: ")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape")

    def _line(self, route: Route) -> Line:
        upstream = self._upstreams.get(route.upstream)
        if upstream is None:
            upstream = Upstream(route.upstream, self._max_connections)
            self._upstreams[route.upstream] = upstream
        silence = route.timeout or self._timeout
        changed = self._changed if route.trusted else None
        line = Line(upstream, silence, self._seconds.of[(route.prefix,)], changed, route.trailers)
        self._lines[route.prefix] = line
        return line

    def _switch(
        self,
        review: Review,
        request: Request,
        connection: UpstreamConnection,
        head: AnswerHead,
        rest: bytes,
    ) -> None:
        tunnel = Tunnel(request, connection, self._websockets.closed)
        self._websockets.opened(tunnel, review)
        tunnel.start(head, rest, self._websocket_timeout)


def request_line(method: str, path: str, query: str) -> bytes:
    """The first line of a request."""
    target = f"{path}?{query}" if query else path
    return f"{method} {target} HTTP/1.1\r\n".encode()


def _asks_for_websocket(request: Request) -> bool:
    """RFC 6455, 4.1."""
    head = request.head
    return (
        head.method == "GET"
        and head.minor == 1
        and request.body.empty
        and "upgrade" in head.headers.listed("connection")
        and head.headers.listed("upgrade") == {"websocket"}
    )
