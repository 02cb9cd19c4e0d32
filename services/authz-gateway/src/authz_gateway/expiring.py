"""A bounded map whose entries expire."""

import math
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

V = TypeVar("V")


class Entry(Generic[V]):
    """A value, and when it expires by the map's clock; once it has left, that was long ago."""

    __slots__ = ("expires", "value")

    def __init__(self, value: V, expires: float) -> None:
        self.value = value
        self.expires = expires


class ExpiringMap(Generic[V]):
    """Holds at most `capacity` values; the one that was put first makes room for the next.

    Entries live about equally long, so that the first put is also the first to expire.
    `dropped` is told of every entry that leaves.
    """

    def __init__(
        self, capacity: int, clock: Callable[[], float], dropped: Callable[[str, V], None]
    ) -> None:
        self._capacity = capacity
        self._clock = clock
        self._dropped = dropped
        self._entries: dict[str, Entry[V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def get(self, key: str) -> V | None:
        """The value, None when there is none or it expired."""
        entry = self._entries.get(key)
        return entry.value if entry is not None and self._clock() < entry.expires else None

    def entry(self, key: str) -> Entry[V] | None:
        """The entry, None when there is none."""
        return self._entries.get(key)

    def put(self, key: str, value: V, seconds: float) -> None:
        """Holds `value` for `seconds`."""
        self.drop(key)
        now = self._clock()
        self._entries[key] = Entry(value, now + seconds)
        while self._entries:
            oldest = next(iter(self._entries))
            if len(self._entries) <= self._capacity and now < self._entries[oldest].expires:
                break
            self.drop(oldest)

    def drop(self, key: str) -> None:
        """Holds nothing under `key` any more."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            entry.expires = -math.inf
            self._dropped(key, entry.value)
