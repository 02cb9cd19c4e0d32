"""How much of a disk files may take that are being received."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from shared.errors import Unavailable

_WAIT_SECONDS = 2.0


class Place:
    """What one file takes; `deadline` ends its reception when it has to give way."""

    def __init__(self, deadline: asyncio.Timeout) -> None:
        self.size = 0
        self.deadline = deadline
        self.gave_way = False


class Room:
    """Bytes and files, bounded for all together. When it is full, who began first gives way.

    So many slow senders do not keep a fast one out: only each other.
    """

    def __init__(self, size: int, files: int) -> None:
        """At most `size` bytes, and `files` that are received at the same time."""
        self._size = size
        self._files = files
        self._taken = 0
        self._leaving = 0  # bytes of files that gave way and are not closed yet
        self._receiving: dict[Place, None] = {}  # in the order in which they began
        self._given_back = asyncio.Event()

    @contextmanager
    def receiving(self, place: Place) -> Iterator[None]:
        """A file is received for the time of the block."""
        while len(self._receiving) >= self._files:
            self._evict(next(iter(self._receiving)))
        self._receiving[place] = None
        try:
            yield
        finally:
            self._receiving.pop(place, None)

    async def take(self, place: Place, size: int) -> None:
        """More of a file is to be written; raises `Unavailable` where nobody can give way."""
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                while self._taken + size > self._size:
                    self._make_room(place, size)
                    self._given_back.clear()
                    await self._given_back.wait()
        except TimeoutError:
            raise Unavailable("upload spool") from None
        place.size += size
        self._taken += size

    def give_back(self, place: Place) -> None:
        """The file is gone."""
        self._taken -= place.size
        if place.gave_way:
            self._leaving -= place.size
        self._given_back.set()

    def _make_room(self, asking: Place, size: int) -> None:
        for place in tuple(self._receiving):
            if self._taken - self._leaving + size <= self._size:
                return
            if place is not asking:
                self._evict(place)

    def _evict(self, place: Place) -> None:
        del self._receiving[place]
        place.gave_way = True
        self._leaving += place.size
        place.deadline.reschedule(asyncio.get_running_loop().time())
