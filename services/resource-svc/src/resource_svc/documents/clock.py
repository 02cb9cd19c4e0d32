"""Who has how long in a call that takes files: its sender, and the storage."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from resource_svc.documents.storage import unavailable
from shared.errors import Malformed


class Clock:
    """Like that of chess players: the sender's time runs out, or the storage's, never both."""

    def __init__(self, sender: float, storage: float) -> None:
        """Both in seconds."""
        self._left = sender
        self._left_of_other = storage
        self._storing = False
        self._deadline: asyncio.Timeout | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises `Malformed` or `Unavailable`, as whose time has run out; the sender begins."""
        deadline = asyncio.timeout(self._left)
        try:
            async with deadline:
                self._deadline = deadline
                yield
        except TimeoutError:
            if not deadline.expired():
                raise
            if self._storing:
                raise unavailable("put", "took too long") from None
            raise Malformed from None

    @contextmanager
    def storing(self) -> Iterator[None]:
        """The storage's time, except where the block reads what the sender sends."""
        self._turn(storing=True)
        try:
            yield
        finally:
            self._turn(storing=False)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The sender's time."""
        storing = self._storing
        self._turn(storing=False)
        try:
            yield
        finally:
            self._turn(storing=storing)

    def _turn(self, *, storing: bool) -> None:
        """Stays as it is once a time has run out: then it is known whose."""
        deadline = self._deadline
        if deadline is None or deadline.expired() or storing == self._storing:
            return
        now = asyncio.get_running_loop().time()
        left = (deadline.when() or now) - now
        deadline.reschedule(now + self._left_of_other)
        self._left_of_other, self._storing = left, storing
