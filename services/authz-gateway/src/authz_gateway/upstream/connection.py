"""One connection to an upstream: sends a request, reads the response, and may then be reused."""

import asyncio
import fcntl
import select
import struct
import sys
import termios
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Protocol, cast

from authz_gateway.http.deadline import NEVER, Deadline
from authz_gateway.http.framing import BodyReader, BrokenBody, Chunked, FixedLength, UntilClosed
from authz_gateway.http.parser import BrokenHead, ResponseHead, read_response
from authz_gateway.upstream.errors import UpstreamBroken
from authz_gateway.upstream.shares import Share

_MAX_HEAD_BYTES: Final = 64 * 1024
_MAX_INTERIM_RESPONSES = 16
_BODYLESS: Final = frozenset({204, 304})
_SWITCHING_PROTOCOLS: Final = 101
CLOSE_SECONDS: Final = 10.0
_MAX_AGE_SECONDS = 60.0  # older connections are not reused, so that DNS changes take effect
_WRITE_BUFFER_BYTES: Final = 16 * 1024
"""High-water mark of the write buffer; above it the client is paused, and its bytes are counted."""
_LARGE_READ_BYTES: Final = 64 * 1024  # after a read of this size, more may be in the socket
_UNSENT_IS_KNOWN = sys.platform == "linux"


class UpstreamListener(ABC):
    """Uses a connection to an upstream."""

    @abstractmethod
    def upstream_failed(self, error: OSError) -> None:
        """The connection failed and is closed."""

    @abstractmethod
    def upstream_full(self) -> None:
        """The upstream's write buffer is full: pause."""

    @abstractmethod
    def upstream_ready(self) -> None:
        """The upstream's write buffer has room again: resume."""


class ResponseListener(UpstreamListener):
    """Sent a request, and gets the response."""

    @abstractmethod
    def interim_response(self, head: ResponseHead) -> None:
        """An interim response (1xx) arrived."""

    @abstractmethod
    def protocol_switched(self, head: ResponseHead, rest: bytes) -> None:
        """The upstream switched protocols (101); `rest` are bytes of the new protocol."""

    @abstractmethod
    def response_started(
        self, head: ResponseHead, part: bytes, *, bodyless: bool, ended: bool
    ) -> None:
        """The head arrived, with the first `part` of the body; `ended`: it is the whole body."""

    @abstractmethod
    def response_part(self, part: bytes, *, ended: bool) -> None:
        """The next part of the body arrived."""


class ConnectionPool(Protocol):
    """Keeps connections between calls."""

    def connection_opened(self, connection: "UpstreamConnection") -> None:
        """The connection is open."""
        ...

    def connection_closed(self, connection: "UpstreamConnection") -> None:
        """The connection is closed."""
        ...


class UpstreamConnection:
    """Sends requests and reads responses. `idle_since`: when it became idle, in loop time.

    Implements `asyncio.Protocol` without inheriting from it, which a compiled class cannot do.
    `close_seconds`: after so long an orderly close becomes an abort.
    """

    __slots__ = (
        *("_bodyless", "_close_seconds", "_complete", "_deadline", "_early_response", "_ended"),
        *("_head_request", "_interim_count", "_listener", "_loop", "_persistent", "_poll", "_pool"),
        *("_reader", "_reading", "_single_read", "_timeout", "_transport", "_tunnel", "_unread"),
        *("_upstream_listener", "_written", "idle_since", "nothing_accepted", "opened_at"),
        *("paused", "received_any", "share", "used"),
    )

    _transport: asyncio.Transport

    def __init__(
        self,
        pool: ConnectionPool,
        loop: asyncio.AbstractEventLoop,
        close_seconds: float = CLOSE_SECONDS,
    ) -> None:
        self._pool = pool
        self._loop = loop
        self._close_seconds = close_seconds
        self.share: Share | None = None  # of the client whose call is under way
        self._deadline = Deadline(loop, self._timed_out)
        self._timeout = 0.0
        self._listener: ResponseListener | None = None
        self._upstream_listener: UpstreamListener | None = None
        self._head_request = False  # the method is HEAD: the response has no body
        self._interim_count = 0
        self._unread = b""
        self._reader: BodyReader | None = None
        self._tunnel: Callable[[bytes], None] | None = None
        self._reading = True
        self._poll: Callable[[float], list[tuple[int, int]]] | None = None
        # State of the current call, for `reusable`:
        self._complete = False  # the whole request was written
        self._early_response = False  # the response began before that
        self._persistent = False  # the upstream keeps the connection open
        self._bodyless = False  # the response has no body, whatever its head says
        self._ended = False  # the response is complete, and no bytes followed it
        self._single_read = False  # one read returned the whole response and emptied the socket
        # State of the current call, to decide whether it may be repeated:
        self._written = 0  # bytes
        self.received_any = False  # at least one byte of a response arrived
        self.nothing_accepted = False  # the upstream closed and accepted no byte of the request
        self.paused = False  # the write buffer is full
        self.used = False  # it served an earlier call
        self.opened_at = self.idle_since = loop.time()

    # Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has no such base
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self._pool.connection_opened(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        listener = self._listener
        self.received_any = True
        try:
            if listener is None:
                if self._tunnel is not None:
                    self._tunnel(data)
                else:  # unexpected bytes must not become the response to the next request
                    self._transport.abort()
            elif self._reader is None:
                self._read_head(listener, self._unread + data if self._unread else data)
            else:
                part, rest = self._reader.feed(data)
                done = self._reader.done
                self._ended = done and not rest
                listener.response_part(part, ended=done)
        except (BrokenHead, BrokenBody) as error:
            self._fail(UpstreamBroken(repr(error)))
        if self._upstream_listener is not None and self._deadline.moment is not NEVER:
            self._deadline.set(self._timeout)

    def eof_received(self) -> None:
        """See `asyncio.Protocol`. Returns None, so that asyncio closes the transport."""
        if self._upstream_listener is None:
            self.close()
        elif not self.received_any:
            self.nothing_accepted = self._no_byte_accepted()

    def connection_lost(self, error: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._deadline.cancel()
        self._pool.connection_closed(self)
        if error is None and isinstance(self._reader, UntilClosed) and self._listener is not None:
            listener = self._listener
            self._remove_listener()
            listener.response_part(b"", ended=True)
        else:
            self._fail(error if isinstance(error, OSError) else UpstreamBroken("closed"))

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self.paused = True
        if self._upstream_listener is not None:
            self._upstream_listener.upstream_full()

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self.paused = False
        if self._upstream_listener is not None:
            self._upstream_listener.upstream_ready()

    # Called by the pool and by the exchange of a call.

    @property
    def unsent(self) -> int:
        """How many bytes wait to be written."""
        return self._transport.get_write_buffer_size()

    def reusable(self, *, reuse_bodyless: bool) -> bool:
        """Whether the connection may be kept for another request; only this method decides that.

        `usable` asks once more, when that request comes, what can have changed since.

        No byte that belongs to this call may be read as part of the next response. Therefore the
        response must have ended by its own framing with no byte after it, the request must have
        been sent completely before the response began, and neither side may want to close.

        A response to HEAD, a 204 and a 304 have no body (RFC 9112, 6.3), but some servers send one
        nevertheless, a moment later: gunicorn with threads does. The gateway cannot know which
        servers do. `reuse_bodyless`: the operator says that this upstream does not.
        """
        return (
            self._ended
            and self._persistent
            and not self._early_response
            and (reuse_bodyless or not self._bodyless)
            and not self._transport.is_closing()
            and (self._single_read or not self._readable())
            and self.idle_since - self.opened_at <= _MAX_AGE_SECONDS
        )

    def usable(self, idle_seconds: float) -> bool:
        """Whether an idle connection can be used: open, and idle for `idle_seconds` at most.

        Polls the socket: the upstream may have closed the connection, or sent bytes without a
        request, and the event loop may come to that after the call that wants the connection.
        """
        idle = self._loop.time() - self.idle_since
        return idle <= idle_seconds and not self._transport.is_closing() and not self._readable()

    def send_request(
        self,
        listener: ResponseListener,
        request: bytes,
        *,
        complete: bool,
        head_only: bool,
        timeout: float,
    ) -> None:
        """Sends a request. `timeout`: the longest silence of the upstream, seconds.

        `complete`: `request` is the whole request. `head_only`: the method is HEAD.
        """
        self._listener = self._upstream_listener = listener
        self._head_request = head_only
        self._complete = complete
        self._early_response = self._ended = self._single_read = self.received_any = False
        self._written = len(request)
        self._interim_count = 0
        self._timeout = timeout
        self._deadline.set(timeout)
        self._transport.write(request)

    def write(self, data: bytes) -> None:
        """Sends the next bytes of the body or, after an upgrade, of the new protocol."""
        self._written += len(data)
        self._deadline.set(self._timeout)
        self._transport.write(data)

    def complete(self) -> None:
        """The whole request was written. From now on the timeout runs."""
        self._complete = True
        self._deadline.set(self._timeout)

    def set_timeout(self, *, on: bool) -> None:
        """Starts or stops the timeout: it must not run while the upstream waits for the client."""
        if on:
            self._deadline.set(self._timeout)
        else:
            self._deadline.moment = NEVER

    def pause_reading(self) -> None:
        """Stops reading, and the timeout with it, while the client's write buffer is full."""
        if self._reading and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()
            self._deadline.moment = NEVER

    def resume_reading(self) -> None:
        """Reads again."""
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()
            self._deadline.set(self._timeout)

    def mark_idle(self) -> None:
        """Ends the current call."""
        if not self._reading:
            self.resume_reading()
        self._listener = self._upstream_listener = self._reader = None
        self._deadline.moment = NEVER
        self.used = True
        self.idle_since = self._loop.time()

    def switch_to_tunnel(
        self, listener: UpstreamListener, sink: Callable[[bytes], None], timeout: float
    ) -> None:
        """Passes all further input to `sink`, after an upgrade; `timeout`: the longest silence."""
        self._listener = None
        self._upstream_listener = listener
        self._tunnel = sink
        self._timeout = timeout
        self._deadline.set(timeout)

    def close(self) -> None:
        """Closes the connection once the write buffer is empty."""
        self._remove_listener()
        self._transport.close()
        self._deadline.set(self._close_seconds)

    def abort(self) -> None:
        """Closes the connection at once."""
        self._remove_listener()
        self._transport.abort()

    def trailers(self) -> list[bytes]:
        """The trailer lines of a response that has ended."""
        return self._reader.trailers if isinstance(self._reader, Chunked) else []

    def _read_head(self, listener: ResponseListener, data: bytes) -> None:
        head = read_response(data, _MAX_HEAD_BYTES)
        while head is not None and head.status < 200 and head.status != _SWITCHING_PROTOCOLS:
            self._interim_count += 1
            if self._interim_count > _MAX_INTERIM_RESPONSES:
                raise BrokenHead
            listener.interim_response(head)
            data = data[head.size :]
            head = read_response(data, _MAX_HEAD_BYTES)
        if head is None:
            self._unread = data
            self._early_response = self._early_response or not self._complete
            return
        rest, self._unread = data[head.size :], b""
        if not self._complete or self._transport.get_write_buffer_size() > 0:
            self._early_response = True
        if head.status == _SWITCHING_PROTOCOLS:
            listener.protocol_switched(head, rest)
            return
        self._persistent = head.persistent
        bodyless = self._head_request or head.status in _BODYLESS
        # With `Content-Length: 0`, no forbidden body can follow.
        self._bodyless = bodyless and head.length != 0
        if head.length == len(rest) and not bodyless:  # the usual case: one read has it all
            self._ended = True
            self._single_read = len(data) < _LARGE_READ_BYTES
            listener.response_started(head, rest, bodyless=False, ended=True)
            return
        reader = self._reader = _reader_of(head, bodyless=bodyless)
        part, rest = reader.feed(rest)
        done = reader.done
        self._ended = done and not rest
        listener.response_started(head, part, bodyless=bodyless, ended=done)

    def _readable(self) -> bool:
        poll = self._poll
        if poll is None:
            polling = select.poll()
            descriptor = self._transport.get_extra_info("socket").fileno()
            polling.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
            poll = self._poll = polling.poll
        return bool(poll(0))

    def _no_byte_accepted(self) -> bool:
        """Whether the upstream, which has closed in order, accepted no byte of the request.

        Its kernel acknowledges the bytes that it accepts, and its FIN says how many these are (RFC
        9293, 3.4). With TLS this is unknown, because other bytes are sent than were written.
        """
        transport = self._transport
        if not _UNSENT_IS_KNOWN or transport.get_extra_info("sslcontext") is not None:
            return False
        descriptor = transport.get_extra_info("socket").fileno()
        unacknowledged = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4))
        (count,) = struct.unpack("i", unacknowledged)
        return bool(count + transport.get_write_buffer_size() >= self._written)

    def _timed_out(self) -> None:
        self._fail(TimeoutError("silent"))

    def _fail(self, error: OSError) -> None:
        listener = self._upstream_listener
        self.abort()
        if listener is not None:
            listener.upstream_failed(error)

    def _remove_listener(self) -> None:
        self._listener = self._upstream_listener = None


def _reader_of(head: ResponseHead, *, bodyless: bool) -> BodyReader:
    """The reader of the response's body: RFC 9112, 6.3."""
    if bodyless:
        return FixedLength(0)
    if head.chunked:
        return Chunked(keeps_trailers=True)
    if head.length is not None:
        return FixedLength(head.length)
    return UntilClosed()
