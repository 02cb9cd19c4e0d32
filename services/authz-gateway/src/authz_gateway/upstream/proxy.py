"""Sends calls to the upstreams of their routes."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from authz_gateway.authn.sessions import without_session_cookie
from authz_gateway.authz.call import Caller
from authz_gateway.http.client_key import client_key
from authz_gateway.http.headers import CREDENTIAL, SIGNATURES
from authz_gateway.http.parser import RequestHead, ResponseHead
from authz_gateway.http.request import Request
from authz_gateway.http.request_body import NO_BODY
from authz_gateway.http.responses import refusal_answer
from authz_gateway.routing.route_table import Route, Way
from authz_gateway.upstream.connection import UpstreamConnection
from authz_gateway.upstream.exchange import Exchange, UpstreamRoute
from authz_gateway.upstream.pool import Upstream
from authz_gateway.upstream.trailers import wants_trailers
from authz_gateway.upstream.tunnel import Tunnel
from authz_gateway.upstream.websocket import Review, WebSockets
from shared.errors import Refusal
from shared.web.tallies import Timings

_LOOK_SECONDS = 1.0


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
        connections_per_client: int,
        websocket_timeout: float,
        changed: Callable[[str], Awaitable[None] | None],
    ) -> None:
        """Times in seconds; `max_connections` to each upstream, some of them for one client.

        `changed` gets what answers of trusted upstreams say that they changed: `UpstreamRoute`.
        """
        self._session_cookie = session_cookie
        self._only_ours = f"{session_cookie}="
        self._timeout = timeout
        self._max_connections = max_connections
        self._connections_per_client = connections_per_client
        self._websocket_timeout = websocket_timeout
        self._changed = changed
        self._upstreams: dict[str, Upstream] = {}
        self._lines: dict[str, UpstreamRoute] = {}
        self._websockets = websockets
        self._seconds = Timings(
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
        request: Request,
        way: Way,
        query: str,
        caller: Caller | None,
        review: Review | None,
    ) -> None:
        """Has the upstream of a route answer a request.

        `review` is for the WebSocket that it may become, None where it may not. Raises `TooLarge`
        or `Malformed` for the body that the client sends.
        """
        if request.body is not NO_BODY:
            request.body.require_within_limit()
        route = way.route
        line = self._lines.get(route.prefix) or self._line(route)
        switching = None
        if review is not None and _asks_for_websocket(request):
            self._websockets.require_room(client_key(request))
            switching = partial(self._switch, review)
        token = None if caller is None else caller.token
        target = f"{way.path}?{query}" if query else way.path
        message = self._message(request, route, target, token, line, switching is not None)
        Exchange(request, line, message, switching).start()

    def _message(
        self,
        request: Request,
        route: Route,
        target: str,
        token: str | None,
        line: UpstreamRoute,
        upgrade: bool,
    ) -> bytes:
        """The head that an upstream is sent."""
        head, connection = request.head, request.connection
        read = head.read
        parts = [f"{head.method} {target} HTTP/1.1\r\n".encode(), line.host]
        lines = head.to_upstream
        # On public routes a signature is none of ours, and may be what the upstream wants to see.
        if token is not None and head.flags & CREDENTIAL:
            lines = head.without(SIGNATURES)
        if lines:
            parts += (b"\r\n".join(lines), b"\r\n")
        if route.cookies:
            kept = ("authorization", "cookie") if token is None else ("cookie",)
            parts += [b"%b\r\n" % line for line in head.lines_of(kept)]
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
        parts.append(_forwarded(head, connection.peer, connection.trusted))
        if token is not None:
            parts.append(b"Authorization: Bearer %b\r\n" % token.encode())
        parts.append(b"X-Request-Id: %b\r\n\r\n" % request.id.encode())
        return b"".join(parts)

    def _other_cookies(self, head: RequestHead) -> bytes:
        """The Cookie line without the session cookie, empty where nothing is left."""
        first = head.read["cookie"]
        if "cookie" in head.repeated:
            others = without_session_cookie(head.headers.getall("cookie"), self._session_cookie)
        elif ";" not in first and first.startswith(self._only_ours):
            return b""
        else:
            others = without_session_cookie((first,), self._session_cookie)
        return f"Cookie: {others}\r\n".encode("utf-8", "surrogateescape") if others else b""

    def _line(self, route: Route) -> UpstreamRoute:
        upstream = self._upstreams.get(route.upstream)
        if upstream is None:
            most, share = self._max_connections, self._connections_per_client
            upstream = self._upstreams[route.upstream] = Upstream(route.upstream, most, share)
        # Where several routes have one upstream, the shortest decides.
        upstream.idle_seconds = min(upstream.idle_seconds, route.idle)
        line = UpstreamRoute(
            upstream,
            f"Host: {upstream.authority}\r\n".encode(),
            route.timeout or self._timeout,
            self._seconds.of[(route.prefix,)],
            streams=route.stream,
            after_bodyless=route.reuse_bodyless,
            changed=self._changed if route.trusted else None,
            trailers=route.trailers,
            own=route.trusted,
        )
        self._lines[route.prefix] = line
        return line

    def _switch(
        self,
        review: Review,
        request: Request,
        connection: UpstreamConnection,
        head: ResponseHead,
        rest: bytes,
    ) -> None:
        try:  # others may have come while the upstream made up its mind
            self._websockets.require_room(client_key(request))
        except Refusal as refusal:
            connection.abort()
            request.reason = ",".join(refusal.codes)
            request.connection.answer(refusal_answer(refusal))
            return
        tunnel = Tunnel(request, connection, self._websockets.closed)
        self._websockets.opened(tunnel, review)
        tunnel.start(head, rest, self._websocket_timeout)


_forwarded_lines: Final[dict[tuple[str, str, str], bytes]] = {}
_MOST_FORWARDED: Final = 4096
_LONGEST_FORWARDED: Final = 1024


def _forwarded(head: RequestHead, peer: str, trusted: bool) -> bytes:
    """What upstreams are told of the client; of what is received, a trusted proxy's word counts."""
    read = head.read
    chain = read.get("x-forwarded-for")
    if chain is not None and "x-forwarded-for" in head.repeated:
        chain = ", ".join(head.headers.getall("x-forwarded-for"))
    if chain is None:
        chain = peer
    elif peer:
        chain = f"{chain}, {peer}"
    host = read.get("host", "")
    scheme = "http"
    if trusted:
        host = read.get("x-forwarded-host", host)
        scheme = read.get("x-forwarded-proto", scheme)
    key = (chain, host, scheme)
    lines = _forwarded_lines.get(key)
    if lines is None:
        text = (
            f"X-Forwarded-For: {chain}\r\n"
            f"X-Forwarded-Host: {host}\r\n"
            f"X-Forwarded-Proto: {scheme}\r\n"
        )
        lines = text.encode("utf-8", "surrogateescape")
        if len(lines) <= _LONGEST_FORWARDED:
            if len(_forwarded_lines) >= _MOST_FORWARDED:
                _forwarded_lines.clear()
            _forwarded_lines[key] = lines
    return lines


def _asks_for_websocket(request: Request) -> bool:
    """RFC 6455, 4.1."""
    head = request.head
    return (
        "upgrade" in head.read
        and head.method == "GET"
        and head.minor == 1
        and request.body.empty
        and "upgrade" in head.headers.listed("connection")
        and head.headers.listed("upgrade") == {"websocket"}
    )
