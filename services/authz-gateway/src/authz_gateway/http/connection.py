"""One client's connection: requests come in one after another, and answers leave in their order."""

import asyncio
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from socket import SO_LINGER, SOL_SOCKET
from typing import Final, Protocol, cast

from authz_gateway.http.deadline import NEVER, Deadline
from authz_gateway.http.errors import Stalled
from authz_gateway.http.headers import UNIQUE
from authz_gateway.http.parser import (
    BrokenHead,
    HeadLimits,
    RequestHead,
    RequestReader,
    TooLargeHead,
    TooLongTarget,
    read_request,
)
from authz_gateway.http.request import Request
from authz_gateway.http.request_body import NO_BODY, RequestBody
from authz_gateway.http.response_headers import ResponseHeaders
from authz_gateway.http.responses import Answer, failed, refused, rendered
from shared.errors import Malformed, Refusal
from shared.values.addresses import Address, address_of, subscriber

_RESET = struct.pack("ii", 1, 0)  # linger, for no time
_LINGER_SECONDS = 5.0
_MOST_LINGERING_BYTES = 4 * 1024 * 1024
_WRITE_BUFFER_BYTES = 16 * 1024
"""What may wait to be written before whoever writes has to wait, too."""
_PIECE_BYTES = 32 * 1024
"""Larger answers of our own are written by such pieces, as the client takes them."""
_LIGHT_BYTES = 4 * 1024
"""What a connection may hold without being counted."""
_BODY_GRACE_SECONDS = 15.0
"""So much later than the lowest rate allows, each byte of a body may come."""

CLIENT_GONE: Final = 499
"""The status, in log and metrics, of an answer that nobody waited for."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may send, and how slowly; times in seconds."""

    head: HeadLimits
    body_bytes: int
    head_seconds: float
    idle_seconds: float
    stall_seconds: float
    """Longest time without a byte of a body, or without taking a byte of an answer."""
    body_seconds: float = math.inf
    """Longest time that is waited for a body, all waiting for its client together."""
    body_rate: float = 1.0
    """So many bytes a second come of a body at least, in the long run."""


class ResponseSource(Protocol):
    """Whoever makes an answer that is not ours, byte by byte."""

    def client_gone(self) -> int:
        """Nobody waits for the answer any more; returns the status for the log."""
        ...

    def client_full(self) -> None:
        """The client takes no more at the moment."""
        ...

    def client_ready(self) -> None:
        """The client takes more again."""
        ...


class Host(Protocol):
    """Whoever the connections belong to."""

    limits: Limits
    reader: RequestReader
    draining: bool
    response_headers: ResponseHeaders

    def opened(self, connection: "ClientConnection") -> Refusal | None:
        """A client came; why there is no room for it, if so."""
        ...

    def closed(self, connection: "ClientConnection") -> None:
        """A client left."""
        ...

    def weighed(self, connection: "ClientConnection", before: int, now: int) -> None:
        """A connection holds so many bytes in memory, no more so many."""
        ...

    def received(self, request: Request) -> None:
        """A request's head is there."""
        ...

    def record(self, request: Request, status: int) -> None:
        """A request was answered, or will not be."""
        ...


class ClientConnection:
    """Reads a request, has it answered, and reads the next.

    A protocol of asyncio in all but its base, which a compiled class cannot have.
    """

    __slots__ = (
        *(
            "_deadline",
            "_limits",
            "_lingering",
            "_loop",
            "_may_ignore",
            "_names_requests",
            "_paused",
            "_proceeding",
        ),
        *(
            "_raw",
            "_reader",
            "_reading",
            "_record",
            "_transport",
            "_unread",
            "_waited",
            "_waits_since",
        ),
        *("_weight", "address", "flow", "host", "peer", "request", "shown_address"),
        *("subscriber", "trusted", "write"),
    )

    _transport: asyncio.Transport
    address: Address
    peer: str
    shown_address: str
    subscriber: str
    """Whose connections it counts among."""
    write: Callable[[bytes], None]
    """Sends some of an answer."""

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop) -> None:
        self.host = host
        self._limits = host.limits
        self._reader = host.reader
        self._record = host.record
        self._loop = loop
        self._deadline = Deadline(loop, self._expired)
        self._weight = 0  # bytes in memory, as far as they count
        self._waited = 0.0  # seconds, for the request's body
        self._waits_since = 0.0
        self._unread = b""
        self._reading = True
        self._paused = False  # the client is slow to take what we write
        self._proceeding = False
        self._names_requests = False  # the last head has a line that no other has
        self._lingering = False  # all is said, but the client is still sending
        self._may_ignore = _MOST_LINGERING_BYTES
        self.flow: ResponseSource | None = None  # who makes the answer, where it is not ours
        self._raw: Callable[[bytes], None] | None = None
        self.request: Request | None = None
        self.trusted = False  # the peer is a proxy whose word about clients counts

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has no such base
        self.write = self._transport.write
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self.address = address_of(self.peer) or IPv4Address(0)
        self.shown_address = str(self.address)
        self.subscriber = subscriber(self.address)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        refusal = self.host.opened(self)
        if refusal is None:
            self._deadline.put(self._limits.head_seconds)
        else:
            answer = refused(refusal)
            self.write(rendered(answer, b"Connection: close\r\n\r\n", with_body=True))
            self._close()

    def data_received(self, data: bytes) -> None:
        """The client sent something."""
        request = self.request
        if request is None:
            begun = not self._unread
            if self._lingering:
                self._ignore(data)
            else:
                self._unread = data if begun else self._unread + data
                self._proceed()
                if self._unread and self.request is None:
                    self._await_rest(begun=begun)
        elif self._raw is not None:
            self._raw(data)
        elif request.body.complete:
            self._unread += data
            self.stop_reading()
        else:
            self._feed(request, data)

    def eof_received(self) -> None:
        """Whoever hangs up does not wait for an answer."""
        self._close()

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone."""
        self._deadline.end()
        self.host.closed(self)
        self._unread = b""
        if self._weight:
            self.host.weighed(self, self._weight, 0)
            self._weight = 0
        request, flow = self.request, self.flow
        if request is None:
            return
        request.gone = True
        request.body.fail(Malformed())
        if flow is not None:
            self.finish(flow.client_gone())

    def pause_writing(self) -> None:
        """The client takes no more at the moment."""
        self._paused = True
        self._weigh()
        self._watch()
        if self.flow is not None:
            self.flow.client_full()

    def resume_writing(self) -> None:
        """The client takes more again."""
        self._paused = False
        self._weigh()
        self._watch()
        if self.flow is not None:
            self.flow.client_ready()
        elif self.request is None:
            self.read_on()
            self._proceed()

    # What a request's answer is made with.

    def answer(self, answer: Answer) -> None:
        """Answers the request."""
        request = self.request
        if request is None:
            return
        if request.gone:
            self.finish(CLIENT_GONE)
            return
        head = request.head
        ours = self.host.response_headers.added(head.read.get("origin"), request.private, ())
        with_body = head.method != "HEAD"
        large = with_body and len(answer.body) > _PIECE_BYTES
        last = ours + request.last_lines()
        self.write(rendered(answer, last, with_body=with_body and not large))
        if large:
            self.flow = OwnAnswer(self, answer)
            self.flow.client_ready()
        else:
            self.finish(answer.status)

    def finish(self, status: int) -> None:
        """The whole answer was written."""
        request = self.request
        if request is None:
            return
        self.flow = self._raw = self.request = None
        if request.body is not NO_BODY:
            request.body.drop()
        if self._weight:
            self._weigh()
        self._record(request, status)
        if request.gone:
            return
        if not request.persistent:
            self._leave(request.body.complete)
            return
        if not self._reading:
            self.read_on()
        if self._paused or self._unread:
            self._watch()
            if self._unread and not self._proceeding:
                self._proceed()
        else:
            self._deadline.put(self._limits.idle_seconds)

    def abort(self, status: int) -> None:
        """The answer cannot be finished: the client shall know that it is not whole."""
        if self.request is not None:
            self.request.gone = True
        self.finish(status)
        if not self._transport.is_closing():
            # Reset, since an answer without a length would seem to end in order.
            self._transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
        self._transport.abort()

    def cut(self) -> None:
        """Ends the connection, whatever is under way."""
        self._transport.abort()

    def shed(self) -> int:
        """Ends it for what it holds in memory: so many bytes, as the host was told."""
        weight, self._weight = self._weight, 0
        self._transport.abort()
        return weight

    @property
    def paused(self) -> bool:
        """Whether the client takes no more at the moment."""
        return self._paused

    def hand_over(self, raw: Callable[[bytes], None]) -> None:
        """What comes from now on is no HTTP any more."""
        self._raw = raw
        self._watch()
        unread, self._unread = self._unread, b""
        if unread:
            raw(unread)
        self.read_on()

    def drain(self) -> None:
        """Hangs up, now or behind the answer under way."""
        if self._raw is not None or (self.request is None and not self._lingering):
            self._close()

    # What its body is read with.

    def ask_for_body(self) -> None:
        """See `FlowControl`."""
        request = self.request
        if request is None or request.body.complete or request.gone:
            return
        if request.continue_expected:
            request.continue_expected = False
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.read_on()
        self._watch()

    def stop_reading(self) -> None:
        """See `FlowControl`."""
        if self._reading and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()
            self._waited += self._loop.time() - self._waits_since
            self._weigh()
            self._watch()

    def read_on(self) -> None:
        """More can be taken again."""
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()
            self._waits_since = self._loop.time()
            self._watch()

    # The rest.

    def _proceed(self) -> None:
        """Begins what requests there are, one after another as they are answered."""
        self._proceeding = True
        while self.request is None and self._unread and not self._paused and not self._lingering:
            try:
                if self._names_requests:  # the head will not be known
                    head = read_request(self._unread, self._reader.limits)
                else:
                    head = self._reader.read(self._unread)
            except BrokenHead as broken:
                self._refuse_head(broken)
                break
            if head is None:
                break
            self._names_requests = head.flags & UNIQUE != 0
            self._begin(head, self._unread[head.size :])
        self._proceeding = False

    def _await_rest(self, *, begun: bool) -> None:
        """What came is no whole request; `begun`: it is the beginning of one."""
        if self._paused:
            self.stop_reading()  # who takes no answers need not ask for more
        elif begun:
            self._watch()
        if len(self._unread) > _LIGHT_BYTES:
            self._weigh()

    def _begin(self, head: RequestHead, rest: bytes) -> None:
        self._unread = b""
        self._deadline.moment = NEVER
        request = self.request = Request(self, head, self._limits.body_bytes)
        if request.body.complete:
            if rest:
                self._unread = rest
                self.stop_reading()
        else:
            self._waited = 0.0
            self._waits_since = self._loop.time()
            if rest:
                request.continue_expected = False
                self._feed(request, rest)
        self.host.received(request)

    def _feed(self, request: Request, data: bytes) -> None:
        body = request.body
        rest = body.feed(data)
        if self.request is not request:  # it was answered at once
            if body.complete and rest:
                self._unread = rest
                self._watch()
                self._proceed()
            return
        if body.complete:
            self._deadline.moment = NEVER
            if rest:
                self._unread = rest
                self.stop_reading()
        elif self._reading:
            self._watch()
        if body.held > _LIGHT_BYTES:
            self._weigh()

    def _weigh(self) -> None:
        """Tells the host how many bytes are held here: read and not done, or not written yet."""
        if self._transport.is_closing():
            return  # until it is gone, it counts as it did
        request = self.request
        held = len(self._unread) + self._transport.get_write_buffer_size()
        if request is not None:
            held += request.body.held
        if held <= _LIGHT_BYTES:
            held = 0
        before, self._weight = self._weight, held
        if held != before:
            self.host.weighed(self, before, held)

    def _refuse_head(self, broken: BrokenHead) -> None:
        match broken:
            case TooLongTarget():
                self._refuse(414, "request.uri_too_long")
            case TooLargeHead():
                self._refuse(431, "request.headers_too_large")
            case _:
                self._refuse(400, *Malformed.codes)

    def _refuse(self, status: int, code: str) -> None:
        """Answers what is no request, and hangs up."""
        self._unread = b""
        self.request = Request.unreadable(self, code)
        self.answer(failed(status, (code,)))

    def _expired(self) -> None:
        request = self.request
        if self._paused or self._transport.is_closing():
            self.cut()
        elif request is not None:
            request.body.fail(Stalled())
        elif self._unread:
            self._refuse(Stalled.status, *Stalled.codes)
        else:
            self._close()

    def _leave(self, all_read: bool) -> None:
        """Hangs up.

        While the client still sends, that would reset the connection, and with it the answer.
        """
        if all_read:
            self._close()
            return
        self._lingering = True
        self._transport.write_eof()
        self.read_on()
        self._watch()

    def _close(self) -> None:
        """Hangs up once all that was written is sent, for which the client has so long."""
        self._unread = b""
        self._transport.close()
        self._deadline.put(self._limits.stall_seconds)

    def _ignore(self, data: bytes) -> None:
        self._may_ignore -= len(data)
        if self._may_ignore < 0:
            self._transport.abort()

    def _watch(self) -> None:
        """Puts the deadline for what is waited for."""
        limits = self._limits
        if self._paused or self._transport.is_closing():
            self._deadline.put(limits.stall_seconds)
        elif self._raw is not None:
            self._deadline.moment = NEVER
        elif self._lingering:
            self._deadline.put(_LINGER_SECONDS)
        elif self.request is None:
            self._deadline.put(limits.head_seconds if self._unread else limits.idle_seconds)
        elif self._reading and not self.request.body.complete:
            self._deadline.put(self._patience(self.request.body))
        else:
            self._deadline.moment = NEVER

    def _patience(self, body: RequestBody) -> float:
        """For how many seconds the next byte of a body is waited for."""
        limits = self._limits
        if not body.paced:
            return limits.stall_seconds
        waited = self._waited + self._loop.time() - self._waits_since
        due = min(limits.body_seconds, _BODY_GRACE_SECONDS + body.received / limits.body_rate)
        return min(limits.stall_seconds, due - waited)


class OwnAnswer:
    """A large answer of our own, written as fast as the client takes it: see `ResponseSource`."""

    __slots__ = ("_at", "_body", "_connection", "_status")

    def __init__(self, connection: ClientConnection, answer: Answer) -> None:
        self._connection = connection
        self._status = answer.status
        self._body = answer.body
        self._at = 0

    def client_gone(self) -> int:
        """See `ResponseSource`."""
        return CLIENT_GONE

    def client_full(self) -> None:
        """See `ResponseSource`: nothing is written before the client takes more."""

    def client_ready(self) -> None:
        """See `ResponseSource`."""
        connection, body = self._connection, self._body
        while self._at < len(body) and not connection.paused:
            piece = body[self._at : self._at + _PIECE_BYTES]
            self._at += len(piece)
            connection.write(piece)
        if self._at >= len(body):
            connection.finish(self._status)
