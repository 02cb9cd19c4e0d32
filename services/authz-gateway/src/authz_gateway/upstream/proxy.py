"""Forwards calls to the upstreams of their routes."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from authz_gateway.authn.call import Caller
from authz_gateway.authn.sessions import without_session_cookie
from authz_gateway.http.client_key import client_key
from authz_gateway.http.headers import CREDENTIAL, WITHHELD
from authz_gateway.http.parser import RequestHead, ResponseHead
from authz_gateway.http.request import Request
from authz_gateway.http.request_body import NO_BODY
from authz_gateway.http.responses import refusal_answer
from authz_gateway.routing.route_table import MatchedRoute, Route
from authz_gateway.upstream.connection import UpstreamConnection
from authz_gateway.upstream.exchange import Exchange, UpstreamRoute
from authz_gateway.upstream.pool import CONNECT_SECONDS, Upstream
from authz_gateway.upstream.trailers import wants_trailers
from authz_gateway.upstream.tunnel import Tunnel
from authz_gateway.upstream.websocket import Reauthorization, WebSockets
from shared.errors import Refusal
from shared.web.tallies import Timings

_SWEEP_SECONDS = 1.0


class Proxy:
    """Forwards calls; owns the connections to all upstreams."""

    def __init__(
        self,
        registry: CollectorRegistry,
        websockets: WebSockets,
        *,
        session_cookie: str,
        timeout: float,
        max_connections: int,
        connections_per_client: int,
        websocket_timeout: float,
        on_changes: Callable[[str], Awaitable[None] | None],
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        """`timeout`, `websocket_timeout` and `connect_seconds` are in seconds.

        `max_connections`: to each upstream, `connections_per_client` of them for one client.
        `on_changes`: see `UpstreamRoute`.
        """
        self._session_cookie = session_cookie
        self._cookie_prefix = f"{session_cookie}="
        self._timeout = timeout
        self._max_connections = max_connections
        self._connections_per_client = connections_per_client
        self._websocket_timeout = websocket_timeout
        self._connect_seconds = connect_seconds
        self._on_changes = on_changes
        self._upstreams: dict[str, Upstream] = {}
        self._upstream_routes: dict[str, UpstreamRoute] = {}
        self._websockets = websockets
        self._timings = Timings(
            "gateway_upstream_seconds",
            "Time until an upstream begins to answer.",
            ("route",),
            registry,
        )
        Gauge(
            "gateway_upstream_connections",
            "Connections to upstreams, WebSockets not counted.",
            registry=registry,
        ).set_function(lambda: sum(map(len, self._upstreams.values())))

    async def run(self) -> None:
        """Closes connections that are idle for too long; when cancelled, all idle connections."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                await asyncio.sleep(_SWEEP_SECONDS)
                for upstream in self._upstreams.values():
                    upstream.close_idle(loop.time())
        finally:
            for upstream in self._upstreams.values():
                upstream.close()

    def forward(
        self,
        request: Request,
        match: MatchedRoute,
        query: str,
        caller: Caller | None,
        reauthorize: Reauthorization | None,
    ) -> None:
        """Forwards a request to the upstream of its route, which then answers it.

        `reauthorize` checks later whether a WebSocket may stay open; None when the route does not
        allow WebSockets. Raises `TooLarge` or `Malformed` for the request's body, and `Throttled`
        or `Unavailable` when there are too many WebSockets.
        """
        if request.body is not NO_BODY:
            request.body.require_within_limit()
        route = match.route
        upstream_route = self._upstream_routes.get(route.prefix) or self._upstream_route(route)
        on_upgrade = None
        if reauthorize is not None and _asks_for_websocket(request):
            self._websockets.require_capacity(client_key(request))
            on_upgrade = partial(self._upgrade, reauthorize)
        target = f"{match.path}?{query}" if query else match.path
        message = self._request_head(
            request, route, target, caller, upstream_route, on_upgrade is not None
        )
        Exchange(request, upstream_route, message, on_upgrade).start()

    def _request_head(
        self,
        request: Request,
        route: Route,
        target: str,
        caller: Caller | None,
        upstream_route: UpstreamRoute,
        upgrade: bool,
    ) -> bytes:
        """The request head for the upstream."""
        head, connection = request.head, request.connection
        read = head.read
        parts = [f"{head.method} {target} HTTP/1.1\r\n".encode(), upstream_route.host_line]
        lines = head.to_upstream
        # On public routes the gateway checks no signature; it may be meant for the upstream.
        if caller is not None and head.flags & CREDENTIAL:
            lines = head.without(WITHHELD)
        if lines:
            parts += (b"\r\n".join(lines), b"\r\n")
        parts.append(request.trace)
        if route.cookies:
            names = ("authorization", "cookie") if caller is None else ("cookie",)
            parts += [b"%b\r\n" % line for line in head.lines_of(names)]
        elif "cookie" in read:
            parts.append(self._other_cookies(head))
        if head.length is None:
            parts.append(b"Transfer-Encoding: chunked\r\n")
        elif "content-length" in read:
            parts.append(b"Content-Length: %d\r\n" % head.length)
        if upgrade:
            parts.append(b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
        elif route.trailers and wants_trailers(head.headers):
            parts.append(b"TE: trailers\r\nConnection: TE\r\n")
        parts.append(_forwarded_lines(head, connection.peer, connection.trusted))
        if caller is not None:
            parts.append(caller.authorization_line)
        parts += (b"X-Request-Id: ", request.id.encode(), b"\r\n\r\n")
        return b"".join(parts)

    def _other_cookies(self, head: RequestHead) -> bytes:
        """The Cookie line without the session cookie, empty when there is no other cookie."""
        first = head.read["cookie"]
        if "cookie" in head.repeated:
            others = without_session_cookie(head.headers.getall("cookie"), self._session_cookie)
        elif ";" not in first and first.startswith(self._cookie_prefix):
            return b""
        else:
            others = without_session_cookie((first,), self._session_cookie)
        return f"Cookie: {others}\r\n".encode("utf-8", "surrogateescape") if others else b""

    def _upstream_route(self, route: Route) -> UpstreamRoute:
        upstream = self._upstreams.get(route.upstream)
        if upstream is None:
            upstream = self._upstreams[route.upstream] = Upstream(
                route.upstream,
                self._max_connections,
                self._connections_per_client,
                connect_seconds=self._connect_seconds,
            )
        # Several routes may share an upstream: the shortest idle time applies.
        upstream.idle_seconds = min(upstream.idle_seconds, route.idle)
        upstream_route = UpstreamRoute(
            upstream,
            f"Host: {upstream.authority}\r\n".encode(),
            route.timeout or self._timeout,
            self._timings.of[(route.prefix,)],
            stream=route.stream,
            reuse_bodyless=route.reuse_bodyless,
            on_changes=self._on_changes if route.trusted else None,
            trailers=route.trailers,
            internal=route.trusted,
            page=route.page,
        )
        self._upstream_routes[route.prefix] = upstream_route
        return upstream_route

    def _upgrade(
        self,
        reauthorize: Reauthorization,
        request: Request,
        connection: UpstreamConnection,
        head: ResponseHead,
        rest: bytes,
    ) -> None:
        try:  # others may have been opened while the upstream was deciding
            self._websockets.require_capacity(client_key(request))
        except Refusal as refusal:
            connection.abort()
            request.reason = ",".join(refusal.codes)
            request.connection.answer(refusal_answer(refusal))
            return
        tunnel = Tunnel(request, connection, self._websockets.remove)
        self._websockets.add(tunnel, reauthorize)
        tunnel.start(head, rest, self._websocket_timeout)


_forwarded_cache: Final[dict[tuple[str | None, str, str, str], bytes]] = {}
_MAX_CACHED_FORWARDED: Final = 4096
_MAX_CACHED_FORWARDED_BYTES: Final = 1024


def _forwarded_lines(head: RequestHead, peer: str, trusted: bool) -> bytes:
    """The X-Forwarded- lines: received values are kept only when the peer is a trusted proxy.

    X-Forwarded-For is the exception: the peer's address is appended to a received value.
    """
    read = head.read
    chain = read.get("x-forwarded-for")
    if chain is not None and "x-forwarded-for" in head.repeated:
        chain = ", ".join(head.headers.getall("x-forwarded-for"))
    host = read.get("host", "")
    scheme = "http"
    if trusted:
        host = read.get("x-forwarded-host", host)
        scheme = read.get("x-forwarded-proto", scheme)
    key = (chain, peer, host, scheme)
    lines = _forwarded_cache.get(key)
    if lines is None:
        hops = ", ".join(hop for hop in (chain, peer) if hop)
        text = (
            f"X-Forwarded-For: {hops}\r\n"
            f"X-Forwarded-Host: {host}\r\n"
            f"X-Forwarded-Proto: {scheme}\r\n"
        )
        lines = text.encode("utf-8", "surrogateescape")
        if len(lines) <= _MAX_CACHED_FORWARDED_BYTES:
            if len(_forwarded_cache) >= _MAX_CACHED_FORWARDED:
                _forwarded_cache.clear()
            _forwarded_cache[key] = lines
    return lines


def _asks_for_websocket(request: Request) -> bool:
    """Whether the request opens a WebSocket: RFC 6455, 4.1."""
    head = request.head
    return (
        "upgrade" in head.read
        and head.method == "GET"
        and head.minor == 1
        and request.body.empty
        and "upgrade" in head.headers.listed("connection")
        and head.headers.listed("upgrade") == {"websocket"}
    )
