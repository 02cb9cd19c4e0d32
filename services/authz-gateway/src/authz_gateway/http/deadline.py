"""A deadline that moves with every byte, without a timer for every byte."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

NEVER: Final = math.inf


class Deadline:
    """Calls `expired` at a moment that may be put off as often as one likes.

    The timer is left as it is while the moment moves away; when it rings too early, it is set anew.
    There is no deadline while `moment`, in the event loop's time, is `NEVER`.
    """

    __slots__ = ("_expired", "_loop", "_rings", "_timer", "moment")

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[], None]) -> None:
        self._loop = loop
        self._expired = expired
        self.moment = NEVER
        self._rings = NEVER
        self._timer: asyncio.TimerHandle | None = None

    def put(self, seconds: float) -> None:
        """From now on, so many seconds are left."""
        self.moment = self._loop.time() + seconds
        if self.moment < self._rings:
            self._set()

    def end(self) -> None:
        """There will never be another deadline."""
        self.moment = NEVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = self.moment
        self._timer = self._loop.call_at(self.moment, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._rings = NEVER
        if self.moment <= self._loop.time():
            self.moment = NEVER
            self._expired()
        elif self.moment < NEVER:
            self._set()
