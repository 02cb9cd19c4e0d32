"""Sends a call upstream and streams the answer back."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import structlog
from aiohttp import hdrs, web
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry, Histogram

from authz_gateway.paths import Target
from authz_gateway.proxy.body import RequestBody
from authz_gateway.proxy.headers import chain, forwarded, returned, sendable
from authz_gateway.routing.table import Route
from authz_gateway.sessions.cookie import without_session_cookie
from shared.contracts.services import GATEWAY
from shared.errors import Malformed, TooLarge, Unavailable
from shared.web.client_address import Network, client_address
from shared.web.context import REQUEST_ID
from shared.web.errors import OUTCOME

log = structlog.get_logger()

_CONNECT_SECONDS = 5.0
_KEPT_SECONDS = 4.0  # less than the servers that wait shortest for another request: Node's 5 s
_MAX_HEADER_BYTES = 32 * 1024
_NOT_INVENTED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class UpstreamFailed(Exception):
    """There is no usable answer; the client is told `status` and `code`."""

    status = 502
    code = "gateway.bad_gateway"


class UpstreamTimedOut(UpstreamFailed):
    """There is no answer in time."""

    status = 504
    code = "gateway.timeout"


class Proxy:
    """The connections to all upstreams."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        trusted_proxies: Sequence[Network],
        session_cookie: str,
        max_body_bytes: int,
        timeout: float,
    ) -> None:
        self._trusted_proxies = trusted_proxies
        self._session_cookie = session_cookie
        self._max_body_bytes = max_body_bytes
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._seconds = Histogram(
            "gateway_upstream_seconds",
            "Time until an upstream begins to answer.",
            ("route",),
            registry=registry,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Keeps connections for the time of the block."""
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEPT_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_NOT_INVENTED,
            max_field_size=_MAX_HEADER_BYTES,
        ) as self._session:
            yield
        self._session = None

    async def forward(
        self, request: web.Request, route: Route, target: Target, token: str | None
    ) -> web.StreamResponse:
        """The upstream's answer, streamed.

        Raises `UpstreamFailed`, or `TooLarge` or `Malformed` for the body that the client sends.
        """
        if request.headers.get(hdrs.TRANSFER_ENCODING, "chunked").lower() != "chunked":
            raise Malformed  # a coding of which the upstream would not learn
        if (request.content_length or 0) > self._max_body_bytes:
            raise TooLarge
        body = None
        if request.body_exists:
            body = RequestBody(request.content, self._max_body_bytes)
        try:
            upstream = await self._send(request, route, target, token, body)
            try:
                return await _pass_on(request, upstream)
            finally:
                upstream.release()
        finally:
            if body is not None:
                await body.abandon()

    async def _send(
        self,
        request: web.Request,
        route: Route,
        target: Target,
        token: str | None,
        body: RequestBody | None,
    ) -> aiohttp.ClientResponse:
        if self._session is None:
            raise Unavailable(GATEWAY)
        silence = route.timeout or self._timeout
        started = time.perf_counter()
        try:
            # Without a body, aiohttp repeats an idempotent call whose kept connection was dead.
            upstream = await self._session.request(
                request.method,
                route.url(target),
                headers=self._headers(request, route, token),
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=_CONNECT_SECONDS, sock_read=silence
                ),
            )
        except (aiohttp.ClientError, OSError) as error:
            if body is not None and body.refusal is not None:
                raise body.refusal from None
            log.warning("upstream_failed", route=route.prefix, error=repr(error))
            failure = UpstreamTimedOut if isinstance(error, TimeoutError) else UpstreamFailed
            raise failure from error
        self._seconds.labels(route.prefix).observe(time.perf_counter() - started)
        if upstream.status < 200:
            upstream.close()
            raise UpstreamFailed  # it switched to a protocol that nobody asked for
        return upstream

    def _headers(self, request: web.Request, route: Route, token: str | None) -> CIMultiDict[str]:
        received = request.headers
        kept = ("authorization", "cookie") if route.cookies else ()
        headers = forwarded(received, kept=kept)
        if request.content_length is not None:
            headers[hdrs.CONTENT_LENGTH] = str(request.content_length)
        others = without_session_cookie(received.getall(hdrs.COOKIE, ()), self._session_cookie)
        if others and not route.cookies:
            headers[hdrs.COOKIE] = others
        if token is not None:
            headers[hdrs.AUTHORIZATION] = f"Bearer {token}"
        headers["X-Forwarded-For"] = chain(received.getall("X-Forwarded-For", ()), request.remote)
        believed = received if self._behind_trusted_proxy(request) else {}
        headers["X-Forwarded-Proto"] = believed.get("X-Forwarded-Proto", request.scheme)
        headers["X-Forwarded-Host"] = believed.get("X-Forwarded-Host", received.get(hdrs.HOST, ""))
        headers["X-Request-Id"] = request[REQUEST_ID]
        return sendable(headers.items())

    def _behind_trusted_proxy(self, request: web.Request) -> bool:
        peer = client_address(request.remote or "", (), ())
        return any(peer in network for network in self._trusted_proxies)


async def _pass_on(request: web.Request, upstream: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(
        status=upstream.status, reason=upstream.reason, headers=returned(upstream.headers)
    )
    response.headers["X-Request-Id"] = request[REQUEST_ID]
    if request.version < aiohttp.HttpVersion11 and upstream.content_length is None:
        response.force_close()  # HTTP/1.0 knows no other end of such a body
    try:
        await response.prepare(request)
        async for chunk in upstream.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
    except (aiohttp.ClientError, OSError) as error:
        # Too late for another answer; without its end the client knows that this one is broken.
        log.warning("answer_interrupted", error=repr(error))
        request[OUTCOME] = "gateway.interrupted"
        if request.transport is not None:
            request.transport.abort()
    return response
