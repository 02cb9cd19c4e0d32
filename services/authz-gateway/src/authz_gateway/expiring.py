"""A bounded map whose entries expire."""

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

V = TypeVar("V")


class _Entry(NamedTuple, Generic[V]):
    value: V
    expires: float


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
        self._entries: dict[str, _Entry[V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def get(self, key: str) -> V | None:
        """The value, None when there is none or it expired."""
        entry = self._entries.get(key)
        return entry.value if entry is not None and self._clock() < entry.expires else None

    def put(self, key: str, value: V, seconds: float) -> None:
        """Holds `value` for `seconds`."""
        self.drop(key)
        now = self._clock()
        self._entries[key] = _Entry(value, now + seconds)
        while self._entries:
            oldest = next(iter(self._entries))
            if len(self._entries) <= self._capacity and now < self._entries[oldest].expires:
                break
            self.drop(oldest)

    def drop(self, key: str) -> None:
        """Holds nothing under `key` any more."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._dropped(key, entry.value)
