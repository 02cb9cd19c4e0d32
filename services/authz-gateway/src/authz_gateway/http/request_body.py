"""Request bodies: buffered until a sink takes them, then streamed to it."""

import asyncio
from typing import Final, Protocol

from authz_gateway.http.framing import BodyReader, BrokenBody, Chunked, FixedLength
from shared.errors import Malformed, Refusal, TooLarge


class FlowControl(Protocol):
    """Controls whether the gateway reads from the client."""

    def request_more_body(self) -> None:
        """Reads more of the body. Sends `100 Continue` to a client that waits for it."""
        ...

    def pause_reading(self) -> None:
        """Stops reading for now."""
        ...


class BodySink(Protocol):
    """Takes a body."""

    def body_collected(self) -> None:
        """The whole body, or as much as `collect` asked for, is buffered."""
        ...

    def body_part(self, part: bytes) -> None:
        """The next part of the body; never empty."""
        ...

    def body_ended(self) -> None:
        """The body is complete."""
        ...

    def body_broken(self, refusal: Refusal) -> None:
        """The rest of the body cannot be read, or is refused."""
        ...


class RequestBody:
    """A request body. Until it has a sink it is buffered, and reading is paused.

    `length`: Content-Length, None for a chunked body. `received`: bytes read so far. `buffered`:
    bytes in the buffer. `complete`: the end was read. `paced`: the lowest rate of bodies applies.
    """

    __slots__ = (
        *("_collect_bytes", "_collector", "_first", "_flow_control", "_limit", "_more", "_reader"),
        *("_refusal", "_sink", "_waiter", "buffered", "complete", "length", "paced", "received"),
    )

    def __init__(self, flow_control: FlowControl, length: int | None, limit: int) -> None:
        self.length = length
        self.complete = length == 0
        self._flow_control = flow_control
        self._limit = limit
        self._reader: BodyReader = Chunked() if length is None else FixedLength(length)
        self.received = 0
        self.buffered = 0
        self.paced = True
        self._first = b""  # the first buffered part, most often the only one
        self._more: bytearray | None = None  # all later ones
        self._refusal: Refusal | None = None
        self._sink: BodySink | None = None
        self._collector: BodySink | None = None
        self._collect_bytes = 0
        self._waiter: asyncio.Future[None] | None = None

    @property
    def empty(self) -> bool:
        """Whether the request has no body."""
        return self.length == 0

    def feed(self, data: bytes) -> bytes:
        """Takes input from the client; returns what follows the end of the body."""
        if self._refusal is not None:  # it is unknown where the body ends
            self._flow_control.pause_reading()
            return b""
        try:
            part, rest = self._reader.feed(data)
        except BrokenBody:
            self.fail(Malformed())
            return b""
        self.received += len(part)
        if self.received > self._limit:
            self.fail(TooLarge())
            return b""
        self.complete = self._reader.done
        if self._sink is None:
            if part:
                self._buffer(part)
            self._notify_collector()
            if self._waiter is None and self._collector is None and self._sink is None:
                self._flow_control.pause_reading()
        else:
            if part:
                self._sink.body_part(part)
            if self.complete and self._sink is not None:
                self._sink.body_ended()
        self._wake()
        return rest

    def fail(self, refusal: Refusal) -> None:
        """Ends the body with an error: the sink, the collector or `read` gets `refusal`."""
        if self.complete or self._refusal is not None:
            return
        self._refusal = refusal
        self._wake()
        sink, self._collector = self._sink or self._collector, None
        if sink is not None:
            sink.body_broken(refusal)

    def require_within_limit(self) -> None:
        """Raises `TooLarge` for a Content-Length above the limit, or the error of the body."""
        if self._refusal is not None:
            raise self._refusal
        if self.length is not None and self.length > self._limit:
            raise TooLarge

    async def read(self, limit: int) -> bytes | None:
        """The whole body, which stays buffered; None when it has more than `limit` bytes.

        Raises the `Refusal` of a body that is malformed, too large or not sent completely.
        """
        if self.length is not None and self.length > limit:
            return None
        while not self.complete and self.received <= limit:
            if self._refusal is not None:
                raise self._refusal
            self._waiter = asyncio.get_running_loop().create_future()
            self._flow_control.request_more_body()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self.received > limit:
            return None
        if self._more is not None:
            self._first, self._more = self._first + self._more, None  # buffered once, not twice
        return self._first

    def collect(self, collector: BodySink, collect_bytes: int) -> None:
        """Buffers the whole body, or at least `collect_bytes` of it; then notifies `collector`."""
        if self._refusal is not None:
            collector.body_broken(self._refusal)
            return
        self._collector = collector
        self._collect_bytes = collect_bytes
        self._notify_collector()
        if self._collector is not None:
            self._flow_control.request_more_body()

    def take_buffered(self) -> bytes:
        """Removes the buffered bytes and returns them."""
        buffered = self._first if self._more is None else self._first + self._more
        self._release_buffer()
        return buffered

    def stream_to(self, sink: BodySink) -> None:
        """Passes all further parts to `sink`."""
        self._sink = sink
        if self._refusal is not None:
            sink.body_broken(self._refusal)
        else:
            self._flow_control.request_more_body()

    def discard(self) -> None:
        """Drops the buffer, the sink and the collector."""
        self._sink = self._collector = None
        self._release_buffer()

    def _buffer(self, part: bytes) -> None:
        if not self.buffered:
            self._first = part
        elif self._more is None:
            self._more = bytearray(part)
        else:
            self._more += part
        self.buffered += len(part)

    def _release_buffer(self) -> None:
        self._first, self._more, self.buffered = b"", None, 0

    def _notify_collector(self) -> None:
        collector = self._collector
        if collector is not None and (self.complete or self.buffered >= self._collect_bytes):
            self._collector = None
            collector.body_collected()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _NoClient:
    def request_more_body(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass


NO_BODY: Final = RequestBody(_NoClient(), 0, 0)
"""The body of every request without one."""
