"""One exchange: streams the request to the upstream and the response back, with backpressure."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, Protocol

import structlog

from authz_gateway.authz.challenges import in_dpop, presents_bound_only
from authz_gateway.http.client_key import client_key
from authz_gateway.http.connection import CLIENT_CLOSED_REQUEST, ClientConnection
from authz_gateway.http.framing import LAST_CHUNK, chunk, last_chunk
from authz_gateway.http.parser import ResponseHead
from authz_gateway.http.refusal_pages import as_page
from authz_gateway.http.request import Request
from authz_gateway.http.request_body import NO_BODY
from authz_gateway.http.responses import Answer, error_answer, refusal_answer
from authz_gateway.upstream.connection import ResponseListener, UpstreamConnection
from authz_gateway.upstream.pool import Upstream
from authz_gateway.upstream.trailers import announced, returned_trailers, wants_trailers
from shared.contracts.changes import CHANGED_HEADER
from shared.errors import Refusal, Unavailable
from shared.web.tallies import Timing

log = structlog.get_logger()

_COLLECTED_BYTES = 64 * 1024
"""How much of a request body is buffered before a connection to the upstream is taken."""

_UNCOUNTED_BYTES: Final = 4 * 1024
"""A request that is not larger does not count for the memory limit while it waits."""

_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""Idempotent methods: RFC 9110, 9.2.2."""

_UNAUTHORIZED: Final = 401
_CHALLENGE: Final = b"www-authenticate:"


class UpgradeHandler(Protocol):
    """Takes over after the upstream switched protocols."""

    def __call__(
        self, request: Request, connection: UpstreamConnection, head: ResponseHead, rest: bytes
    ) -> None:
        """`rest` are the bytes that followed the head."""
        ...


@dataclass(frozen=True, slots=True)
class UpstreamRoute:
    """What all calls of one route have in common.

    `host_line`: the Host line for the upstream. `timeout`: its longest silence, seconds. `timing`:
    the time until its response begins. `stream`: request bodies are forwarded as they arrive, and
    have no lowest rate. `reuse_bodyless`: see `UpstreamConnection.reusable`. `on_changes` gets what
    a response says that it changed, and returns what the response must wait for, if anything; None
    for an upstream that is not trusted to say so.
    """

    upstream: Upstream
    host_line: bytes
    timeout: float
    timing: Timing
    stream: bool
    reuse_bodyless: bool
    on_changes: Callable[[str], Awaitable[None] | None] | None = None
    trailers: bool = False
    """Whether trailers are forwarded to clients that accept them."""
    internal: bool = False
    """Whether the upstream is one of our own services: when it fails, the client gets 503."""
    page: bool = False
    """Whether refusals are pages, too."""


class Exchange(ResponseListener):
    """Forwards one request to its upstream, and the response to the client.

    `head`: the request head for the upstream. `on_upgrade`: takes over after a protocol switch;
    None when the client asked for none, or may not have it.
    """

    __slots__ = (
        *("_began", "_client", "_connecting", "_connection", "_deferral", "_deferred", "_head"),
        *("_message", "_on_upgrade", "_rechunked", "_request", "_route", "_sent", "_status"),
        "_trailers",
    )

    def __init__(
        self,
        request: Request,
        route: UpstreamRoute,
        head: bytes,
        on_upgrade: UpgradeHandler | None,
    ) -> None:
        self._request = request
        self._route = route
        self._head = head
        self._began = 0.0
        self._on_upgrade = on_upgrade
        self._connection: UpstreamConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._deferral: asyncio.Task[None] | None = None
        self._deferred: list[Callable[[], None]] | None = None  # steps while the response waits
        self._client = client_key(request)
        self._message = b""  # the whole request, when it is written at once
        self._sent = False  # the whole request
        self._status = 0  # of the response; 0 before it began
        self._rechunked = False
        self._trailers: list[str] = []  # names of those that are forwarded

    def start(self) -> None:
        """Sends the request. Raises nothing: the client gets a response or an error answer."""
        request = self._request
        if request.disconnected:
            request.connection.finish(CLIENT_CLOSED_REQUEST)
            return
        self._began = monotonic()
        body = request.body
        if body.complete:
            self._acquire_connection(request.connection)
        elif self._route.stream:
            body.paced = False
            self._acquire_connection(request.connection)
        else:
            # A client that sends slowly must not occupy a connection to the upstream.
            request.connection.response_source = self
            body.collect(self, _COLLECTED_BYTES)

    def _acquire_connection(self, client: ClientConnection) -> None:
        client.response_source = self
        idle = self._route.upstream.acquire_idle(self._client)
        if idle is not None:
            self._send(idle)
        else:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            connection = await self._route.upstream.acquire(self._client)
        except Refusal as refusal:
            self._answer_error(refusal_answer(refusal), refusal.codes[0])
        except OSError as error:
            self._fail(error)
        else:
            self._connecting = None
            self._send(connection)

    def _send(self, connection: UpstreamConnection) -> None:
        self._connection = connection
        request = self._request
        body = request.body
        message = self._message
        if not message:
            message = self._head
            if body is not NO_BODY:
                if buffered := body.take_buffered():
                    message += chunk(buffered) if body.length is None else buffered
                if body.complete and body.length is None:
                    message += LAST_CHUNK
            if body.complete:
                self._message = message
        sent = self._sent = body.complete
        head_only = request.head.method == "HEAD"
        connection.send_request(
            self, message, complete=sent, head_only=head_only, timeout=self._route.timeout
        )
        if len(message) > _UNCOUNTED_BYTES:
            self._count_unsent()
        if not sent:
            connection.set_timeout(on=False)
            body.stream_to(self)
            if connection.paused:
                self.upstream_full()

    # Called by the client's side: `BodySink` and `ResponseSource`.

    def body_collected(self) -> None:
        """See `BodySink`."""
        self._acquire_connection(self._request.connection)

    def body_part(self, part: bytes) -> None:
        """See `BodySink`."""
        if self._connection is not None:
            self._connection.write(chunk(part) if self._request.body.length is None else part)
            self._connection.set_timeout(on=self._connection.paused)

    def body_ended(self) -> None:
        """See `BodySink`."""
        self._sent = True
        if self._connection is not None:
            if self._request.body.length is None:
                self._connection.write(LAST_CHUNK)
            self._connection.complete()

    def body_broken(self, refusal: Refusal) -> None:
        """See `BodySink`."""
        self._abort_upstream()
        self._answer_error(refusal_answer(refusal), refusal.codes[0])

    def client_disconnected(self) -> int:
        """See `ResponseSource`."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._deferral is not None:
            self._deferral.cancel()
        self._abort_upstream()
        return CLIENT_CLOSED_REQUEST

    def client_full(self) -> None:
        """See `ResponseSource`."""
        if self._connection is not None:
            self._connection.pause_reading()

    def client_ready(self) -> None:
        """See `ResponseSource`."""
        if self._connection is not None and self._deferred is None:
            self._connection.resume_reading()

    # Called by the upstream's side: `ResponseListener`.

    def upstream_full(self) -> None:
        """See `ResponseListener`."""
        self._count_unsent()
        if not self._sent and self._connection is not None:
            self._request.connection.pause_reading()
            self._connection.set_timeout(on=True)

    def upstream_ready(self) -> None:
        """See `ResponseListener`."""
        self._count_unsent()
        if not self._sent and self._connection is not None:
            self._request.connection.resume_reading()
            self._connection.set_timeout(on=False)

    def _count_unsent(self) -> None:
        """Has the bytes counted that wait for the upstream, or to be sent to it again."""
        if self._connection is not None:
            unsent = max(len(self._message), self._connection.unsent)
            self._request.connection.count_unsent(unsent)

    def interim_response(self, head: ResponseHead) -> None:
        """See `ResponseListener`.

        `100 Continue` is not forwarded, because the gateway sends its own.
        """
        if head.status != 100 and self._request.head.minor == 1:
            lines = b"".join(b"%b\r\n" % line for line in head.to_client)
            self._request.connection.write(b"%b%b\r\n" % (head.line, lines))

    def protocol_switched(self, head: ResponseHead, rest: bytes) -> None:
        """See `ResponseListener`."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._on_upgrade is None or head.headers.listed("upgrade") != {"websocket"}:
            connection.abort()
            self._answer_error(_BAD_GATEWAY, "gateway.bad_gateway")
        else:
            self._route.upstream.detach(connection)
            self._on_upgrade(self._request, connection, head, rest)

    def response_started(
        self, head: ResponseHead, part: bytes, *, bodyless: bool, ended: bool
    ) -> None:
        """See `ResponseListener`.

        A change that the response tells of is in force before the client gets its first byte.
        """
        on_changes = self._route.on_changes
        changes = None if on_changes is None else head.headers.get(CHANGED_HEADER)
        if on_changes is not None and changes is not None:
            waiting = on_changes(changes)
            if waiting is not None:
                start = partial(self._start_response, head, part, bodyless=bodyless, ended=ended)
                self._deferred = [start]
                if self._connection is not None:  # nothing more is kept meanwhile
                    self._connection.pause_reading()
                self._deferral = asyncio.get_running_loop().create_task(self._run_deferred(waiting))
                return
        self._start_response(head, part, bodyless=bodyless, ended=ended)

    async def _run_deferred(self, waiting: Awaitable[None]) -> None:
        await waiting
        deferred, self._deferred, self._deferral = self._deferred, None, None
        for step in deferred or ():
            step()
        if self._connection is not None and not self._request.connection.paused:
            self._connection.resume_reading()

    def _start_response(
        self, head: ResponseHead, part: bytes, *, bodyless: bool, ended: bool
    ) -> None:
        self._route.timing.observe(monotonic() - self._began)
        request = self._request
        self._status = head.status
        if not bodyless and head.length is None:
            if request.head.minor == 0:
                request.persistent = False  # in HTTP/1.0 only the close ends such a body
            else:
                self._rechunked = True
        if self._rechunked and self._route.trailers and wants_trailers(request.head.headers):
            self._trailers = announced(head.headers)
        self._pass_on(self._response_head(head), part, ended=ended)

    def response_part(self, part: bytes, *, ended: bool) -> None:
        """See `ResponseListener`."""
        if self._deferred is not None:
            self._deferred.append(partial(self._pass_on, b"", part, ended=ended))
        else:
            self._pass_on(b"", part, ended=ended)

    def upstream_failed(self, error: OSError) -> None:
        """See `ResponseListener`."""
        if self._deferred is not None:
            self._deferred.append(partial(self.upstream_failed, error))
            return
        connection, self._connection = self._connection, None
        if connection is not None and self._may_repeat(connection, error):
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        else:
            self._fail(error)

    def _may_repeat(self, connection: UpstreamConnection, error: OSError) -> bool:
        """Whether the request may be sent again on another connection, after this one failed.

        Only on a reused connection that returned no byte: the upstream most likely closed it before
        the request arrived. Any request may be repeated when the upstream accepted no byte of it;
        otherwise only an idempotent one without a body, and not after a timeout.
        """
        if not connection.used or connection.received_any or not self._message:
            return False
        if connection.nothing_accepted:
            return True
        return (
            self._request.body.empty
            and self._request.head.method in _REPEATABLE
            and not isinstance(error, TimeoutError)
        )

    def _response_head(self, head: ResponseHead) -> bytes:
        parts = [head.line]
        lines = head.to_client
        if head.status == _UNAUTHORIZED and self._route.internal:
            lines = self._challenged(lines)
        if lines:
            parts += (b"\r\n".join(lines), b"\r\n")
        if self._rechunked:
            parts.append(b"Transfer-Encoding: chunked\r\n")
            if self._trailers:
                parts.append(f"Trailer: {', '.join(self._trailers)}\r\n".encode())
        elif head.length is not None and head.status != 204:
            parts.append(b"Content-Length: %d\r\n" % head.length)
        request = self._request
        ours = request.connection.server.response_headers
        parts.append(
            ours.lines_for(request.head.read.get("origin"), request.private, head.defaults)
        )
        parts.append(request.final_lines())
        return b"".join(parts)

    def _challenged(self, lines: list[bytes]) -> list[bytes]:
        """Challenges of our own services, which never see the client's token, in its scheme."""
        if not presents_bound_only(self._request.head.headers):
            return lines
        changed = []
        for line in lines:
            name, value = line[: len(_CHALLENGE)], line[len(_CHALLENGE) :]
            if name.lower() == _CHALLENGE:
                challenge = in_dpop(value.decode("latin-1").strip())
                changed.append(name + b" " + challenge.encode("latin-1"))
            else:
                changed.append(line)
        return changed

    def _pass_on(self, message: bytes, part: bytes, *, ended: bool) -> None:
        if part:
            message += chunk(part) if self._rechunked else part
        if ended and self._rechunked:
            message += self._last_chunk()
        if message:
            self._request.connection.write(message)
        if ended:
            self._end()

    def _last_chunk(self) -> bytes:
        if not self._trailers or self._connection is None:
            return LAST_CHUNK
        return last_chunk(returned_trailers(self._connection.trailers(), self._trailers))

    def _end(self) -> None:
        """Ends a complete response, and gives the connection back to its pool."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._route.upstream.release(connection, reuse_bodyless=self._route.reuse_bodyless)
        self._request.connection.finish(self._status)

    def _abort_upstream(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _fail(self, error: OSError) -> None:
        # The logging context may be that of the call for which the connection was opened.
        fields = {
            "route": self._request.route,
            "request_id": self._request.id,
            "error": repr(error),
        }
        if self._status:
            log.warning("answer_interrupted", **fields)
            # The response has begun: only a reset tells the client that it is incomplete.
            self._request.reason = "gateway.interrupted"
            self._request.connection.reset(self._status)
            return
        log.warning("upstream_failed", **fields)
        if isinstance(error, TimeoutError):
            self._answer_error(_TIMEOUT, "gateway.timeout")
        elif self._route.internal:
            self._answer_error(refusal_answer(_UNAVAILABLE), _UNAVAILABLE.codes[0])
        else:
            self._answer_error(_BAD_GATEWAY, "gateway.bad_gateway")

    def _answer_error(self, answer: Answer, reason: str) -> None:
        self._request.reason = reason
        if self._status:
            self._request.connection.reset(self._status)
        elif self._route.page:
            self._request.connection.answer(as_page(self._request, answer))
        else:
            self._request.connection.answer(answer)


_BAD_GATEWAY = error_answer(502, ("gateway.bad_gateway",))
_UNAVAILABLE = Unavailable("upstream")
_TIMEOUT = error_answer(504, ("gateway.timeout",))
