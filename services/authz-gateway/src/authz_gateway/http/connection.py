"""One client connection: reads requests one after another and writes the answers in that order."""

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
from authz_gateway.http.responses import Answer, error_answer, refusal_answer, render
from shared.errors import Malformed, Refusal
from shared.values.addresses import Address, address_of, subscriber

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, zero seconds: close() sends a RST
_MAX_LINGER_BYTES = 4 * 1024 * 1024
_WRITE_BUFFER_BYTES = 16 * 1024
"""High-water mark of the write buffer; above it the response source is paused."""
_WRITE_CHUNK_BYTES = 32 * 1024
"""The gateway's own larger answers are written in chunks of this size, as the client reads."""
_UNCOUNTED_BYTES = 4 * 1024
"""A connection that buffers no more than this does not count towards the memory limit."""

CLIENT_CLOSED_REQUEST: Final = 499
"""The status in log and metrics when the client disconnects before its answer ends."""

BODY_GRACE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may send, and how slowly. Times are in seconds."""

    head: HeadLimits
    body_bytes: int
    head_seconds: float
    idle_seconds: float
    stall_seconds: float
    """Longest time in which the client sends no byte of a body, or reads no byte of an answer."""
    body_seconds: float = math.inf
    """Longest total time that the gateway waits for the client to send a body."""
    body_rate: float = 1.0
    """Lowest average rate of a body, bytes per second."""
    body_grace_seconds: float = BODY_GRACE_SECONDS
    """How many seconds a body may be late, measured by `body_rate`."""
    linger_seconds: float = 5.0
    """How long further input is discarded after the last answer. Closing at once would send a RST,
    which may destroy that answer."""


class ResponseSource(Protocol):
    """Produces an answer in parts, for example from an upstream."""

    def client_disconnected(self) -> int:
        """The client disconnected. Returns the status for the log."""
        ...

    def client_full(self) -> None:
        """The client's write buffer is full: pause."""
        ...

    def client_ready(self) -> None:
        """The client's write buffer has room again: resume."""
        ...


class Server(Protocol):
    """Owns the connections."""

    limits: Limits
    reader: RequestReader
    draining: bool
    response_headers: ResponseHeaders

    def connection_opened(self, connection: "ClientConnection") -> Refusal | None:
        """Adds a connection. Returns the `Refusal` when a limit forbids it."""
        ...

    def connection_closed(self, connection: "ClientConnection") -> None:
        """Removes a connection."""
        ...

    def buffered_changed(self, connection: "ClientConnection", before: int, now: int) -> None:
        """The connection buffers `now` bytes in memory, and `before` until this call."""
        ...

    def request_received(self, request: Request) -> None:
        """The head of a request is complete."""
        ...

    def request_finished(self, request: Request, status: int) -> None:
        """The request was answered, or its client disconnected."""
        ...


class ClientConnection:
    """Reads a request, has it answered, and reads the next one.

    Implements `asyncio.Protocol` without inheriting from it, which a compiled class cannot do.
    """

    __slots__ = (
        *("_body_wait", "_deadline", "_limits", "_linger_bytes", "_lingering", "_loop", "_paused"),
        *("_reader", "_reading", "_reading_requests", "_reported_bytes", "_request_finished"),
        *("_transport", "_tunnel", "_unique_heads", "_unread", "_unsent", "_waiting_since"),
        *("address", "address_text", "network", "peer", "request", "response_source", "server"),
        *("trusted", "write"),
    )

    _transport: asyncio.Transport
    address: Address
    peer: str
    address_text: str
    network: str
    """The IPv4 address, or the IPv6 /64, whose limit of connections applies."""
    write: Callable[[bytes], None]
    """Sends part of an answer."""

    def __init__(self, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self._limits = server.limits
        self._reader = server.reader
        self._request_finished = server.request_finished
        self._loop = loop
        self._deadline = Deadline(loop, self._timed_out)
        self._reported_bytes = 0  # the buffered bytes that were reported to the server
        self._body_wait = 0.0  # seconds that this request's body has been waited for
        self._waiting_since = 0.0
        self._unread = b""
        self._unsent = 0  # bytes of the request, or of the new protocol, that wait for the upstream
        self._reading = True
        self._paused = False  # the write buffer is full
        self._reading_requests = False
        self._unique_heads = False  # the last head has a line that no other head has: do not cache
        self._lingering = False  # the last answer was sent, and input is discarded
        self._linger_bytes = _MAX_LINGER_BYTES
        self.response_source: ResponseSource | None = None  # None: the gateway answers itself
        self._tunnel: Callable[[bytes], None] | None = None  # gets all input after an upgrade
        self.request: Request | None = None
        self.trusted = False  # the peer is a trusted proxy

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has no such base
        self.write = self._transport.write
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if peer else ""
        self.address = address_of(self.peer) or IPv4Address(0)
        self.address_text = str(self.address)
        self.network = subscriber(self.address)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        refusal = self.server.connection_opened(self)
        if refusal is None:
            self._deadline.set(self._limits.head_seconds)
        else:
            answer = refusal_answer(refusal)
            self.write(render(answer, b"Connection: close\r\n\r\n", with_body=True))
            self._close()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        request = self.request
        if request is None:
            begun = not self._unread
            if self._lingering:
                self._discard(data)
            else:
                self._unread = data if begun else self._unread + data
                self._read_requests()
                if self._unread and self.request is None:
                    self._await_rest(begun=begun)
        elif self._tunnel is not None:
            self._tunnel(data)
        elif request.body.complete:
            self._unread += data
            self.pause_reading()
        else:
            self._feed(request, data)

    def eof_received(self) -> None:
        """Closes the connection: a client that shut its side down waits for no answer."""
        self._close()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._deadline.cancel()
        self.server.connection_closed(self)
        self._unread = b""
        if self._reported_bytes:
            self.server.buffered_changed(self, self._reported_bytes, 0)
            self._reported_bytes = 0
        request, response_source = self.request, self.response_source
        if request is None:
            return
        request.disconnected = True
        request.body.fail(Malformed())
        if response_source is not None:
            self.finish(response_source.client_disconnected())

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._paused = True
        self._report_buffered()
        self._set_deadline()
        if self.response_source is not None:
            self.response_source.client_full()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self._paused = False
        self._report_buffered()
        self._set_deadline()
        if self.response_source is not None:
            self.response_source.client_ready()
        elif self.request is None:
            self.resume_reading()
            self._read_requests()

    # Called to answer the request.

    def answer(self, answer: Answer) -> None:
        """Sends the whole answer to the current request."""
        request = self.request
        if request is None:
            return
        if request.disconnected:
            self.finish(CLIENT_CLOSED_REQUEST)
            return
        head = request.head
        ours = self.server.response_headers.lines_for(head.read.get("origin"), request.private, ())
        with_body = head.method != "HEAD"
        large = with_body and len(answer.body) > _WRITE_CHUNK_BYTES
        last = ours + request.final_lines()
        self.write(render(answer, last, with_body=with_body and not large))
        if large:
            self.response_source = LargeAnswer(self, answer)
            self.response_source.client_ready()
        else:
            self.finish(answer.status)

    def finish(self, status: int) -> None:
        """Ends the current request after its answer was written; `status` is for the log."""
        request = self.request
        if request is None:
            return
        self.response_source = self._tunnel = self.request = None
        self._unsent = 0
        if request.body is not NO_BODY:
            request.body.discard()
        if self._reported_bytes:
            self._report_buffered()
        self._request_finished(request, status)
        if request.disconnected:
            return
        if not request.persistent:
            self._close_after_response(request.body.complete)
            return
        if not self._reading:
            self.resume_reading()
        if self._paused or self._unread:
            self._set_deadline()
            if self._unread and not self._reading_requests:
                self._read_requests()
        else:
            self._deadline.set(self._limits.idle_seconds)

    def reset(self, status: int) -> None:
        """Ends an answer that cannot be completed, with a TCP reset.

        An orderly close would make an answer without a length look complete.
        """
        if self.request is not None:
            self.request.disconnected = True
        self.finish(status)
        if not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
        self._transport.abort()

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    def evict(self) -> int:
        """Closes the connection at once to free memory; returns the bytes that it reported."""
        reported, self._reported_bytes = self._reported_bytes, 0
        self._transport.abort()
        return reported

    def count_unsent(self, size: int) -> None:
        """Counts `size` bytes of this client that wait in memory for the upstream."""
        self._unsent = size
        self._report_buffered()

    @property
    def paused(self) -> bool:
        """Whether the write buffer is full."""
        return self._paused

    def switch_to_tunnel(self, sink: Callable[[bytes], None]) -> None:
        """Passes all further input to `sink`, after an upgrade to another protocol."""
        self._tunnel = sink
        self._set_deadline()
        unread, self._unread = self._unread, b""
        if unread:
            sink(unread)
        self.resume_reading()

    def drain(self) -> None:
        """Closes the connection when the server drains: now, or after the answer under way."""
        if self._tunnel is not None or (self.request is None and not self._lingering):
            self._close()

    # See `FlowControl`.

    def request_more_body(self) -> None:
        """See `FlowControl`."""
        request = self.request
        if request is None or request.body.complete or request.disconnected:
            return
        if request.continue_expected:
            request.continue_expected = False
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.resume_reading()
        self._set_deadline()

    def pause_reading(self) -> None:
        """See `FlowControl`."""
        if self._reading and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()
            self._body_wait += self._loop.time() - self._waiting_since
            self._report_buffered()
            self._set_deadline()

    def resume_reading(self) -> None:
        """Reads from the client again."""
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()
            self._waiting_since = self._loop.time()
            self._set_deadline()

    def _read_requests(self) -> None:
        """Starts the buffered requests, each one when the one before it was answered."""
        self._reading_requests = True
        while self.request is None and self._unread and not self._paused and not self._lingering:
            try:
                if self._unique_heads:  # the cache cannot have it
                    head = read_request(self._unread, self._reader.limits)
                else:
                    head = self._reader.read(self._unread)
            except BrokenHead as broken:
                self._reject_head(broken)
                break
            if head is None:
                break
            self._unique_heads = head.flags & UNIQUE != 0
            self._begin(head, self._unread[head.size :])
        self._reading_requests = False

    def _await_rest(self, *, begun: bool) -> None:
        """Waits for the rest of an incomplete head; `begun`: its first bytes came just now."""
        if self._paused:
            self.pause_reading()  # no new request while the client does not read its answers
        elif begun:
            self._set_deadline()
        if len(self._unread) > _UNCOUNTED_BYTES:
            self._report_buffered()

    def _begin(self, head: RequestHead, rest: bytes) -> None:
        self._unread = b""
        self._deadline.moment = NEVER
        request = self.request = Request(self, head, self._limits.body_bytes)
        if request.body.complete:
            if rest:
                self._unread = rest
                self.pause_reading()
        else:
            self._body_wait = 0.0
            self._waiting_since = self._loop.time()
            if rest:
                request.continue_expected = False
                self._feed(request, rest)
        self.server.request_received(request)

    def _feed(self, request: Request, data: bytes) -> None:
        body = request.body
        rest = body.feed(data)
        if self.request is not request:  # `feed` led to an answer
            if body.complete and rest:
                self._unread = rest
                self._set_deadline()
                self._read_requests()
            return
        if body.complete:
            self._deadline.moment = NEVER
            if rest:
                self._unread = rest
                self.pause_reading()
        elif self._reading:
            self._set_deadline()
        if body.buffered > _UNCOUNTED_BYTES:
            self._report_buffered()

    def _report_buffered(self) -> None:
        """Reports to the server how many bytes this connection buffers, in both directions."""
        if self._transport.is_closing():
            return  # the last report counts until the connection is closed
        request = self.request
        now = len(self._unread) + self._unsent + self._transport.get_write_buffer_size()
        if request is not None:
            now += request.body.buffered
        if now <= _UNCOUNTED_BYTES:
            now = 0
        before, self._reported_bytes = self._reported_bytes, now
        if now != before:
            self.server.buffered_changed(self, before, now)

    def _reject_head(self, broken: BrokenHead) -> None:
        match broken:
            case TooLongTarget():
                self._reject(414, "request.uri_too_long")
            case TooLargeHead():
                self._reject(431, "request.headers_too_large")
            case _:
                self._reject(400, *Malformed.codes)

    def _reject(self, status: int, code: str) -> None:
        """Answers input that is no request with an error, and closes the connection."""
        self._unread = b""
        self.request = Request.unreadable(self, code)
        self.answer(error_answer(status, (code,)))

    def _timed_out(self) -> None:
        request = self.request
        if self._paused or self._transport.is_closing():
            self.abort()
        elif request is not None:
            request.body.fail(Stalled())
        elif self._unread:
            self._reject(Stalled.status, *Stalled.codes)
        else:
            self._close()

    def _close_after_response(self, all_read: bool) -> None:
        """Closes the connection after the answer.

        When the client is still sending, closes only the write side and discards input for a while:
        a full close would send a RST, and the client could lose the answer.
        """
        if all_read:
            self._close()
            return
        self._lingering = True
        self._transport.write_eof()
        self.resume_reading()
        self._set_deadline()

    def _close(self) -> None:
        """Closes the connection once the write buffer is empty, at the latest after a stall."""
        self._unread = b""
        self._transport.close()
        self._deadline.set(self._limits.stall_seconds)

    def _discard(self, data: bytes) -> None:
        self._linger_bytes -= len(data)
        if self._linger_bytes < 0:
            self._transport.abort()

    def _set_deadline(self) -> None:
        """Sets the deadline of whatever the connection waits for now."""
        limits = self._limits
        if self._paused or self._transport.is_closing():
            self._deadline.set(limits.stall_seconds)
        elif self._tunnel is not None:
            self._deadline.moment = NEVER
        elif self._lingering:
            self._deadline.set(limits.linger_seconds)
        elif self.request is None:
            self._deadline.set(limits.head_seconds if self._unread else limits.idle_seconds)
        elif self._reading and not self.request.body.complete:
            self._deadline.set(self._body_seconds_left(self.request.body))
        else:
            self._deadline.moment = NEVER

    def _body_seconds_left(self, body: RequestBody) -> float:
        """How many seconds the client has to send the next byte of a body."""
        limits = self._limits
        if not body.paced:
            return limits.stall_seconds
        waited = self._body_wait + self._loop.time() - self._waiting_since
        allowed = limits.body_grace_seconds + body.received / limits.body_rate
        return min(limits.stall_seconds, min(limits.body_seconds, allowed) - waited)


class LargeAnswer:
    """A large answer of the gateway itself, written as fast as the client reads."""

    __slots__ = ("_body", "_connection", "_offset", "_status")

    def __init__(self, connection: ClientConnection, answer: Answer) -> None:
        self._connection = connection
        self._status = answer.status
        self._body = answer.body
        self._offset = 0

    def client_disconnected(self) -> int:
        """See `ResponseSource`."""
        return CLIENT_CLOSED_REQUEST

    def client_full(self) -> None:
        """See `ResponseSource`."""

    def client_ready(self) -> None:
        """See `ResponseSource`."""
        connection, body = self._connection, self._body
        while self._offset < len(body) and not connection.paused:
            part = body[self._offset : self._offset + _WRITE_CHUNK_BYTES]
            self._offset += len(part)
            connection.write(part)
        if self._offset >= len(body):
            connection.finish(self._status)
