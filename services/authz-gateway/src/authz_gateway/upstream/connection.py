"""One connection to an upstream: a call goes up, its answer comes down, then perhaps another."""

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
_MOST_INTERIM_ANSWERS = 16
_BODYLESS: Final = frozenset({204, 304})
_SWITCHED: Final = 101
_CLOSE_SECONDS = 10.0  # then what the upstream did not take of what was written is lost
_OLDEST_SECONDS = 60.0  # then its name is looked up again
_SEEN_SECONDS = 0.005  # so long ago at most, the event loop looked at the connection itself
_LARGE_READ_BYTES: Final = 64 * 1024  # there may be more that was not read with it
_UNSENT_IS_KNOWN = sys.platform == "linux"


class UpstreamListener(ABC):
    """Whoever stands for the client's side."""

    @abstractmethod
    def upstream_failed(self, error: OSError) -> None:
        """There will be no more of it; the connection is gone."""

    @abstractmethod
    def upstream_full(self) -> None:
        """The upstream takes no more at the moment."""

    @abstractmethod
    def upstream_ready(self) -> None:
        """The upstream takes more again."""


class ResponseListener(UpstreamListener):
    """Whoever sent a call, and waits for its answer."""

    @abstractmethod
    def interim(self, head: ResponseHead) -> None:
        """There will be an answer, and meanwhile this."""

    @abstractmethod
    def switched(self, head: ResponseHead, rest: bytes) -> None:
        """What follows is no HTTP any more; `rest` is its beginning."""

    @abstractmethod
    def answered(self, head: ResponseHead, part: bytes, *, bodyless: bool, ended: bool) -> None:
        """The answer began with this; `ended`: that is all of it."""

    @abstractmethod
    def answer_part(self, part: bytes, *, ended: bool) -> None:
        """The answer goes on."""


class Owner(Protocol):
    """Whoever keeps connections between calls."""

    def made(self, connection: "UpstreamConnection") -> None:
        """The connection is there."""
        ...

    def lost(self, connection: "UpstreamConnection") -> None:
        """The connection is gone."""
        ...


class UpstreamConnection:
    """Reads answers; `free_since` tells since when it waits for another call.

    A protocol of asyncio in all but its base, which a compiled class cannot have.
    """

    __slots__ = (
        *("_listener", "_at_once", "_awaits_head", "_bodyless", "_complete", "_upstream_listener"),
        *("_deadline", "_early", "_ended", "_interims", "_loop", "_owner", "_persistent"),
        *("_poll", "_raw", "_reader", "_reading", "_seconds", "_transport", "_unread"),
        *("_written", "free_since", "heard", "made", "paused", "share", "unaccepted", "used"),
    )

    _transport: asyncio.Transport

    def __init__(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._loop = loop
        self.share: Share | None = None  # of whose call is under way
        self._deadline = Deadline(loop, self._silent)
        self._seconds = 0.0
        self._listener: ResponseListener | None = None
        self._upstream_listener: UpstreamListener | None = None
        self._awaits_head = False  # the call was one of HEAD, whose answer has no body
        self._interims = 0
        self._unread = b""
        self._reader: BodyReader | None = None
        self._raw: Callable[[bytes], None] | None = None
        self._reading = True
        self._poll: Callable[[float], list[tuple[int, int]]] | None = None
        # Of the call under way, for `reusable`:
        self._complete = False  # the request was written to its end
        self._early = False  # the answer began before that
        self._persistent = False  # the upstream says that it waits for another call
        self._bodyless = False  # the answer has no body whatever its head says of one
        self._ended = False  # the answer is over, and nothing came behind it
        self._at_once = False  # all of it was read in one piece, and that was all there was
        # Of the call under way, for whoever may have to repeat it:
        self._written = 0  # bytes
        self.heard = False  # a byte of the answer came
        self.unaccepted = False  # the upstream hung up and took no byte of the request
        self.paused = False  # it takes no more at the moment
        self.used = False  # for a call before this one
        self.made = self.free_since = loop.time()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is somebody to talk to."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has no such base
        self._owner.made(self)

    def data_received(self, data: bytes) -> None:
        """The upstream sent something."""
        listener = self._listener
        self.heard = True
        try:
            if listener is None:
                if self._raw is not None:
                    self._raw(data)
                else:  # nobody asked: it must not become the answer of the next call
                    self._transport.abort()
            elif self._reader is None:
                self._read_head(listener, self._unread + data if self._unread else data)
            else:
                part, rest = self._reader.feed(data)
                done = self._reader.done
                self._ended = done and not rest
                listener.answer_part(part, ended=done)
        except (BrokenHead, BrokenBody) as error:
            self._fail(UpstreamBroken(repr(error)))
        if self._upstream_listener is not None and self._deadline.moment is not NEVER:
            self._deadline.set(self._seconds)  # it goes on

    def eof_received(self) -> None:
        """Nothing more will come: returning nothing closes the transport."""
        if self._upstream_listener is None:
            self.close()
        elif not self.heard:
            self.unaccepted = self._none_accepted()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._deadline.cancel()
        self._owner.lost(self)
        if error is None and isinstance(self._reader, UntilClosed) and self._listener is not None:
            listener = self._listener
            self._forget()
            listener.answer_part(b"", ended=True)
        else:
            self._fail(error if isinstance(error, OSError) else UpstreamBroken("closed"))

    def pause_writing(self) -> None:
        """It takes no more at the moment."""
        self.paused = True
        if self._upstream_listener is not None:
            self._upstream_listener.upstream_full()

    def resume_writing(self) -> None:
        """It takes more again."""
        self.paused = False
        if self._upstream_listener is not None:
            self._upstream_listener.upstream_ready()

    # What a call is made with.

    def reusable(self, *, after_bodyless: bool) -> bool:
        """Whether another call may follow the one that is over (`free`): decided here alone.

        Nothing that belongs to this call may be taken for the answer to the next one. So the
        answer ended by its own framing with nothing behind it, the request was sent before the
        answer began, and neither side wants to close.

        An answer to HEAD, a 204 and a 304 have no body (RFC 9112, 6.3), but some servers write one
        all the same, a moment later: gunicorn with threads does. Nothing shows beforehand which
        servers do. `after_bodyless`: the operator says that this upstream does not.
        """
        return (
            self._ended
            and self._persistent
            and not self._early
            and (after_bodyless or not self._bodyless)
            and not self._transport.is_closing()
            and (self._at_once or not self._readable())
            and self.free_since - self.made <= _OLDEST_SECONDS
        )

    def fresh(self, idle_seconds: float) -> bool:
        """Whether another call can be sent now, after waiting for so many seconds at most.

        Where the event loop has not looked for a moment, the socket is asked whether the upstream
        closed, or said something that nobody asked for.
        """
        idle = self._loop.time() - self.free_since
        if idle > idle_seconds or self._transport.is_closing():
            return False
        return idle <= _SEEN_SECONDS or not self._readable()

    def ask(
        self,
        listener: ResponseListener,
        request: bytes,
        *,
        complete: bool,
        head_only: bool,
        seconds: float,
    ) -> None:
        """Sends a call; the upstream may be silent for so many seconds.

        `complete`: `request` is all of it.
        """
        self._listener = self._upstream_listener = listener
        self._awaits_head = head_only
        self._complete = complete
        self._early = self._ended = self._at_once = self.heard = False
        self._written = len(request)
        self._interims = 0
        self._seconds = seconds
        self._deadline.set(seconds)
        self._transport.write(request)

    def write(self, data: bytes) -> None:
        """Sends some of the call's body, or of what follows it."""
        self._written += len(data)
        self._deadline.set(self._seconds)
        self._transport.write(data)

    def complete(self) -> None:
        """All of the request was written; from now on the upstream's silence counts."""
        self._complete = True
        self._deadline.set(self._seconds)

    def watch(self, *, on: bool) -> None:
        """Whether the upstream's silence counts: not while it waits for others itself."""
        if on:
            self._deadline.set(self._seconds)
        else:
            self._deadline.moment = NEVER

    def pause_reading(self) -> None:
        """The client takes no more at the moment, which is not the upstream's fault."""
        if self._reading and not self._transport.is_closing():
            self._reading = False
            self._transport.pause_reading()
            self._deadline.moment = NEVER

    def resume_reading(self) -> None:
        """The client takes more again."""
        if not self._reading and not self._transport.is_closing():
            self._reading = True
            self._transport.resume_reading()
            self._deadline.set(self._seconds)

    def free(self) -> None:
        """The call is over."""
        if not self._reading:
            self.resume_reading()
        self._listener = self._upstream_listener = self._reader = None
        self._deadline.moment = NEVER
        self.used = True
        self.free_since = self._loop.time()

    def switch_to_tunnel(
        self, listener: UpstreamListener, raw: Callable[[bytes], None], seconds: float
    ) -> None:
        """What comes from now on is no HTTP any more; there may be silences of so many seconds."""
        self._listener = None
        self._upstream_listener = listener
        self._raw = raw
        self._seconds = seconds
        self._deadline.set(seconds)

    def close(self) -> None:
        """Hangs up, once all that was written is sent."""
        self._forget()
        self._transport.close()
        self._deadline.set(_CLOSE_SECONDS)

    def abort(self) -> None:
        """Hangs up at once."""
        self._forget()
        self._transport.abort()

    def trailers(self) -> list[bytes]:
        """The lines behind the answer's body, once that ended."""
        return self._reader.trailers if isinstance(self._reader, Chunked) else []

    # The rest.

    def _read_head(self, listener: ResponseListener, data: bytes) -> None:
        head = read_response(data, _MAX_HEAD_BYTES)
        while head is not None and head.status < 200 and head.status != _SWITCHED:
            self._interims += 1
            if self._interims > _MOST_INTERIM_ANSWERS:
                raise BrokenHead
            listener.interim(head)
            data = data[head.size :]
            head = read_response(data, _MAX_HEAD_BYTES)
        if head is None:
            self._unread = data
            self._early = self._early or not self._complete
            return
        rest, self._unread = data[head.size :], b""
        if not self._complete or self._transport.get_write_buffer_size() > 0:
            self._early = True
        if head.status == _SWITCHED:
            listener.switched(head, rest)
            return
        self._persistent = head.persistent
        bodyless = self._awaits_head or head.status in _BODYLESS
        # Where the body that there should not be has no byte, none can follow.
        self._bodyless = bodyless and head.length != 0
        if head.length == len(rest) and not bodyless:  # all of it came at once, as most answers do
            self._ended = True
            self._at_once = len(data) < _LARGE_READ_BYTES
            listener.answered(head, rest, bodyless=False, ended=True)
            return
        reader = self._reader = _reader_of(head, bodyless=bodyless)
        part, rest = reader.feed(rest)
        done = reader.done
        self._ended = done and not rest
        listener.answered(head, part, bodyless=bodyless, ended=done)

    def _readable(self) -> bool:
        poll = self._poll
        if poll is None:
            polling = select.poll()
            descriptor = self._transport.get_extra_info("socket").fileno()
            polling.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
            poll = self._poll = polling.poll
        return bool(poll(0))

    def _none_accepted(self) -> bool:
        """Whether the upstream, which has hung up in order, took no byte of the request.

        Its system confirms what it takes, and the end that came from it says how much that was
        (RFC 9293, 3.4). Of TLS that cannot be told, for other bytes are sent than were written.
        """
        transport = self._transport
        if not _UNSENT_IS_KNOWN or transport.get_extra_info("sslcontext") is not None:
            return False
        descriptor = transport.get_extra_info("socket").fileno()
        unconfirmed = fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4))
        (count,) = struct.unpack("i", unconfirmed)
        return bool(count + transport.get_write_buffer_size() >= self._written)

    def _silent(self) -> None:
        self._fail(TimeoutError("silent"))

    def _fail(self, error: OSError) -> None:
        listener = self._upstream_listener
        self.abort()
        if listener is not None:
            listener.upstream_failed(error)

    def _forget(self) -> None:
        self._listener = self._upstream_listener = None


def _reader_of(head: ResponseHead, *, bodyless: bool) -> BodyReader:
    """RFC 9112, 6.3."""
    if bodyless:
        return FixedLength(0)
    if head.chunked:
        return Chunked(keeps_trailers=True)
    if head.length is not None:
        return FixedLength(head.length)
    return UntilClosed()
