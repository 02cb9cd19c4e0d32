"""The body of a request on its way in."""

import asyncio
from typing import Final, Protocol

from authz_gateway.http.framing import BodyReader, BrokenBody, Chunked, Counted
from shared.errors import Malformed, Refusal, TooLarge


class FlowControl(Protocol):
    """Whoever reads from the client."""

    def ask_for_body(self) -> None:
        """The client may send more of the body, and is told so where it waits for that."""
        ...

    def stop_reading(self) -> None:
        """Nobody can take more at the moment."""
        ...


class BodySink(Protocol):
    """Whoever the body is passed on to."""

    def body_collected(self) -> None:
        """All of it is held, or so much as was asked for."""
        ...

    def body_part(self, part: bytes) -> None:
        """Some more of it; never empty."""
        ...

    def body_ended(self) -> None:
        """That was all."""
        ...

    def body_broken(self, refusal: Refusal) -> None:
        """The rest will not come, or is not wanted."""
        ...


class RequestBody:
    """Held until it is known who takes it, and no more of it is read meanwhile.

    `length` is None of a chunked one. `received`: how many bytes came; `held`: how many of them
    wait here. `complete`: its end has come. `paced`: it has to come at the rate asked of bodies.
    """

    __slots__ = (
        *("_collector", "_enough", "_first", "_limit", "_more", "_reader", "_refusal", "_taker"),
        *("_valve", "_waiter", "complete", "held", "length", "paced", "received"),
    )

    def __init__(self, valve: FlowControl, length: int | None, limit: int) -> None:
        self.length = length
        self.complete = length == 0
        self._valve = valve
        self._limit = limit
        self._reader: BodyReader = Chunked() if length is None else Counted(length)
        self.received = 0
        self.held = 0
        self.paced = True
        self._first = b""  # what is held, and what came behind it
        self._more: bytearray | None = None
        self._refusal: Refusal | None = None
        self._taker: BodySink | None = None
        self._collector: BodySink | None = None
        self._enough = 0
        self._waiter: asyncio.Future[None] | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing comes, and nothing was announced."""
        return self.length == 0

    def feed(self, data: bytes) -> bytes:
        """Takes what the client sent; returns what stands behind the body's end."""
        if self._refusal is not None:  # nobody knows any more where the body ends
            self._valve.stop_reading()
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
        if self._taker is None:
            if part:
                self._hold(part)
            self._collected()
            if self._waiter is None and self._collector is None and self._taker is None:
                self._valve.stop_reading()
        else:
            if part:
                self._taker.body_part(part)
            if self.complete and self._taker is not None:
                self._taker.body_ended()
        self._wake()
        return rest

    def fail(self, refusal: Refusal) -> None:
        """The rest will not come, or is not wanted."""
        if self.complete or self._refusal is not None:
            return
        self._refusal = refusal
        self._wake()
        taker, self._collector = self._taker or self._collector, None
        if taker is not None:
            taker.body_broken(refusal)

    def require_fitting(self) -> None:
        """Raises `TooLarge` where it is known already, or why the body is broken."""
        if self._refusal is not None:
            raise self._refusal
        if self.length is not None and self.length > self._limit:
            raise TooLarge

    async def whole(self, limit: int) -> bytes | None:
        """The body, which is passed on all the same; None when it has more than `limit` bytes.

        Raises the `Refusal` for a client that does not send all of it.
        """
        if self.length is not None and self.length > limit:
            return None
        while not self.complete and self.received <= limit:
            if self._refusal is not None:
                raise self._refusal
            self._waiter = asyncio.get_running_loop().create_future()
            self._valve.ask_for_body()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self.received > limit:
            return None
        if self._more is not None:
            self._first, self._more = self._first + self._more, None  # not held twice
        return self._first

    def collect(self, collector: BodySink, enough: int) -> None:
        """Reads on until the whole body is held, or `enough` bytes, and tells `collector`."""
        if self._refusal is not None:
            collector.body_broken(self._refusal)
            return
        self._collector = collector
        self._enough = enough
        self._collected()
        if self._collector is not None:
            self._valve.ask_for_body()

    def beginning(self) -> bytes:
        """What is held; it is not passed on any more."""
        held = self._first if self._more is None else self._first + self._more
        self._let_go()
        return held

    def pass_to(self, taker: BodySink) -> None:
        """`taker` gets whatever comes from now on."""
        self._taker = taker
        if self._refusal is not None:
            taker.body_broken(self._refusal)
        else:
            self._valve.ask_for_body()

    def drop(self) -> None:
        """Nobody takes the rest."""
        self._taker = self._collector = None
        self._let_go()

    def _hold(self, part: bytes) -> None:
        if not self.held:
            self._first = part
        elif self._more is None:
            self._more = bytearray(part)
        else:
            self._more += part
        self.held += len(part)

    def _let_go(self) -> None:
        self._first, self._more, self.held = b"", None, 0

    def _collected(self) -> None:
        collector = self._collector
        if collector is not None and (self.complete or self.held >= self._enough):
            self._collector = None
            collector.body_collected()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class _Nobody:
    def ask_for_body(self) -> None:
        pass

    def stop_reading(self) -> None:
        pass


NO_BODY: Final = RequestBody(_Nobody(), 0, 0)
"""That of all requests without one."""
