"""One call on its way: its body goes up and its answer comes down, as fast as the slower side."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Protocol

import structlog

from authz_gateway.http.client_key import client_key
from authz_gateway.http.connection import CLIENT_CLOSED_REQUEST, ClientConnection
from authz_gateway.http.framing import LAST_CHUNK, chunk, last_chunk
from authz_gateway.http.parser import ResponseHead
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
"""So much of a body is read before a connection upstream is taken for it; smaller ones whole."""

_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""RFC 9110, 9.2.2: to be asked twice changes no more than to be asked once."""


class Switching(Protocol):
    """Whoever takes over when both sides leave HTTP."""

    def __call__(
        self, request: Request, connection: UpstreamConnection, head: ResponseHead, rest: bytes
    ) -> None:
        """`rest` is what the upstream sent behind its head."""
        ...


@dataclass(frozen=True, slots=True)
class UpstreamRoute:
    """What is the same for all calls of one route.

    `host`: the Host line that the upstream is sent. `silence`: how long it may be silent, seconds.
    `timing`: after how many seconds it began to answer. `streams`: it gets bodies as they come,
    however slowly. `after_bodyless`: it sends nothing behind answers that have no body. `changed`
    is told what an answer says that it changed, and returns what the answer has to wait for, if
    anything; None: this upstream is not believed.
    """

    upstream: Upstream
    host: bytes
    silence: float
    timing: Timing
    streams: bool
    after_bodyless: bool
    changed: Callable[[str], Awaitable[None] | None] | None = None
    trailers: bool = False
    """Whether what stands behind an answer's body is passed on to clients that want it."""
    own: bool = False
    """Whether the upstream is one of our own services, which is unavailable when it is down."""


class Exchange(ResponseListener):
    """Passes a request on to one upstream, and the answer back.

    `head` is what the upstream is sent before the body. `switching`: where the client asks for
    another protocol, and may.
    """

    __slots__ = (
        *("_began", "_client", "_connecting", "_connection", "_head", "_held", "_holding"),
        *("_line", "_message", "_rechunked", "_request", "_sent", "_status", "_switching"),
        "_trailers",
    )

    def __init__(
        self,
        request: Request,
        line: UpstreamRoute,
        head: bytes,
        switching: Switching | None,
    ) -> None:
        self._request = request
        self._line = line
        self._head = head
        self._began = 0.0
        self._switching = switching
        self._connection: UpstreamConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._holding: asyncio.Task[None] | None = None
        self._held: list[Callable[[], None]] | None = None  # what came while the answer waits
        self._client = client_key(request)
        self._message = b""  # the request, where all of it is written at once
        self._sent = False  # all of the request
        self._status = 0  # of the answer, once it began
        self._rechunked = False
        self._trailers: list[str] = []  # announced, and wanted

    def start(self) -> None:
        """Sends the request; the client's connection gets the answer, whatever it is."""
        request = self._request
        if request.disconnected:
            request.connection.finish(CLIENT_CLOSED_REQUEST)
            return
        self._began = monotonic()
        body = request.body
        if body.complete:
            self._go_up(request.connection)
        elif self._line.streams:
            body.paced = False
            self._go_up(request.connection)
        else:
            # No connection upstream waits for a client that sends slowly.
            request.connection.response_source = self
            body.collect(self, _COLLECTED_BYTES)

    def _go_up(self, client: ClientConnection) -> None:
        client.response_source = self
        kept = self._line.upstream.take(self._client)
        if kept is not None:
            self._send(kept)
        else:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        try:
            connection = await self._line.upstream.connected(self._client)
        except Refusal as refusal:
            self._give_up(refusal_answer(refusal), refusal.codes[0])
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
                if held := body.take_buffered():
                    message += chunk(held) if body.length is None else held
                if body.complete and body.length is None:
                    message += LAST_CHUNK
            if body.complete:
                self._message = message
        sent = self._sent = body.complete
        head_only = request.head.method == "HEAD"
        connection.ask(
            self, message, complete=sent, head_only=head_only, seconds=self._line.silence
        )
        if not sent:
            connection.watch(on=False)
            body.stream_to(self)

    # What the client's side tells: see `BodySink` and `ResponseSource`.

    def body_collected(self) -> None:
        """See `BodySink`."""
        self._go_up(self._request.connection)

    def body_part(self, part: bytes) -> None:
        """See `BodySink`."""
        if self._connection is not None:
            self._connection.write(chunk(part) if self._request.body.length is None else part)
            self._connection.watch(on=self._connection.paused)

    def body_ended(self) -> None:
        """See `BodySink`."""
        self._sent = True
        if self._connection is not None:
            if self._request.body.length is None:
                self._connection.write(LAST_CHUNK)
            self._connection.complete()

    def body_broken(self, refusal: Refusal) -> None:
        """See `BodySink`."""
        self._hang_up()
        self._give_up(refusal_answer(refusal), refusal.codes[0])

    def client_disconnected(self) -> int:
        """See `ResponseSource`."""
        if self._connecting is not None:
            self._connecting.cancel()
        if self._holding is not None:
            self._holding.cancel()
        self._hang_up()
        return CLIENT_CLOSED_REQUEST

    def client_full(self) -> None:
        """See `ResponseSource`."""
        if self._connection is not None:
            self._connection.pause_reading()

    def client_ready(self) -> None:
        """See `ResponseSource`."""
        if self._connection is not None:
            self._connection.resume_reading()

    # What the upstream's side tells: see `ResponseListener`.

    def upstream_full(self) -> None:
        """See `ResponseListener`."""
        if not self._sent and self._connection is not None:
            self._request.connection.pause_reading()
            self._connection.watch(on=True)

    def upstream_ready(self) -> None:
        """See `ResponseListener`."""
        if not self._sent and self._connection is not None:
            self._request.connection.resume_reading()
            self._connection.watch(on=False)

    def interim(self, head: ResponseHead) -> None:
        """See `ResponseListener`.

        To go on with the body we told the client ourselves.
        """
        if head.status != 100 and self._request.head.minor == 1:
            lines = b"".join(b"%b\r\n" % line for line in head.to_client)
            self._request.connection.write(b"%b%b\r\n" % (head.line, lines))

    def switched(self, head: ResponseHead, rest: bytes) -> None:
        """See `ResponseListener`."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._switching is None or head.headers.listed("upgrade") != {"websocket"}:
            connection.abort()
            self._give_up(_BAD_GATEWAY, "gateway.bad_gateway")
        else:
            self._line.upstream.detach(connection)
            self._switching(self._request, connection, head, rest)

    def answered(self, head: ResponseHead, part: bytes, *, bodyless: bool, ended: bool) -> None:
        """See `ResponseListener`.

        What the answer changed is in force before the client sees the first byte of it.
        """
        changed = self._line.changed
        told = None if changed is None else head.headers.get(CHANGED_HEADER)
        if changed is not None and told is not None:
            waiting = changed(told)
            if waiting is not None:
                answer = partial(self._answered, head, part, bodyless=bodyless, ended=ended)
                self._held = [answer]
                self._holding = asyncio.get_running_loop().create_task(self._hold(waiting))
                return
        self._answered(head, part, bodyless=bodyless, ended=ended)

    async def _hold(self, waiting: Awaitable[None]) -> None:
        await waiting
        held, self._held, self._holding = self._held, None, None
        for step in held or ():
            step()

    def _answered(self, head: ResponseHead, part: bytes, *, bodyless: bool, ended: bool) -> None:
        self._line.timing.observe(monotonic() - self._began)
        request = self._request
        self._status = head.status
        if not bodyless and head.length is None:
            if request.head.minor == 0:
                request.persistent = False  # HTTP/1.0 knows no other end of such a body
            else:
                self._rechunked = True
        if self._rechunked and self._line.trailers and wants_trailers(request.head.headers):
            self._trailers = announced(head.headers)
        start = self._start_of_answer(head)
        if ended and not self._rechunked:
            request.connection.write(b"".join((start, request.final_lines(), part)))
            self._end()
        else:
            self._pass_on(start + request.final_lines(), part, ended=ended)

    def answer_part(self, part: bytes, *, ended: bool) -> None:
        """See `ResponseListener`."""
        if self._held is not None:
            self._held.append(partial(self._pass_on, b"", part, ended=ended))
        else:
            self._pass_on(b"", part, ended=ended)

    def upstream_failed(self, error: OSError) -> None:
        """See `ResponseListener`."""
        if self._held is not None:
            self._held.append(partial(self.upstream_failed, error))
            return
        connection, self._connection = self._connection, None
        if connection is not None and self._may_repeat(connection, error):
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        else:
            self._fail(error)

    # The rest.

    def _may_repeat(self, connection: UpstreamConnection, error: OSError) -> bool:
        """Whether a call may be sent again on another connection, since this one was closed.

        Only one that was kept, most likely before our call came. Where the upstream took no byte of
        it, any call may: nothing was done about it. Else one that changes no more when it comes
        twice, and has no body.
        """
        if not connection.used or connection.heard or not self._message:
            return False
        if connection.unaccepted:
            return True
        return (
            self._request.body.empty
            and self._request.head.method in _REPEATABLE
            and not isinstance(error, TimeoutError)
        )

    def _start_of_answer(self, head: ResponseHead) -> bytes:
        """All but the last lines of an answer's head."""
        parts = [head.line]
        if head.to_client:
            parts += (b"\r\n".join(head.to_client), b"\r\n")
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
        return b"".join(parts)

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
        """The answer is whole; the upstream's connection is kept, if the upstream keeps it."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._line.upstream.over(connection, after_bodyless=self._line.after_bodyless)
        self._request.connection.finish(self._status)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def _fail(self, error: OSError) -> None:
        # We may be told in the context of the call for which the connection was made.
        told = {"route": self._request.route, "request_id": self._request.id, "error": repr(error)}
        if self._status:
            log.warning("answer_interrupted", **told)
            # Too late for another answer; without its end the client knows that it is broken.
            self._request.reason = "gateway.interrupted"
            self._request.connection.reset(self._status)
            return
        log.warning("upstream_failed", **told)
        if isinstance(error, TimeoutError):
            self._give_up(_TIMEOUT, "gateway.timeout")
        elif self._line.own:
            self._give_up(refusal_answer(_UNAVAILABLE), _UNAVAILABLE.codes[0])
        else:
            self._give_up(_BAD_GATEWAY, "gateway.bad_gateway")

    def _give_up(self, answer: Answer, reason: str) -> None:
        self._request.reason = reason
        if self._status:
            self._request.connection.reset(self._status)
        else:
            self._request.connection.answer(answer)


_BAD_GATEWAY = error_answer(502, ("gateway.bad_gateway",))
_UNAVAILABLE = Unavailable("upstream")
_TIMEOUT = error_answer(504, ("gateway.timeout",))
