"""A deadline that is moved with every byte, without a new timer for every byte."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

NEVER: Final = math.inf


class Deadline:
    """Calls `expired` at `moment`, which may be moved at little cost.

    `moment` is in the event loop's time; `NEVER` means no deadline. When the deadline moves further
    away, the running timer stays: it fires too early, and is started again for the rest.
    """

    __slots__ = ("_expired", "_loop", "_timer", "_timer_at", "moment")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self.moment = NEVER
        self._timer_at = NEVER
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Moves the deadline to `seconds` from now."""
        self.moment = self._loop.time() + seconds
        if self.moment < self._timer_at:
            self._start_timer()

    def cancel(self) -> None:
        """Cancels the deadline and its timer."""
        self.moment = NEVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self.moment
        self._timer = self._loop.call_at(self.moment, self._timer_fired)

    def _timer_fired(self) -> None:
        self._timer = None
        self._timer_at = NEVER
        if self.moment <= self._loop.time():
            self.moment = NEVER
            self._expired()
        elif self.moment < NEVER:
            self._start_timer()
