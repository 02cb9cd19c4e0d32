"""Caches answers of other services for a few seconds, and drops them when an event arrives."""

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Generic, Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from shared.errors import NotFound
from shared.web.tallies import Counts

V = TypeVar("V")


class Entry(Generic[V]):
    """A value, and when it expires by the map's clock; -inf once it was dropped."""

    __slots__ = ("expires", "value")

    def __init__(self, value: V, expires: float) -> None:
        self.value = value
        self.expires = expires


class ExpiringMap(Generic[V]):
    """Holds at most `capacity` values; when it is full, the oldest one is dropped.

    All entries live about equally long, so the oldest one is also the first to expire.
    `on_drop` is called for every entry that is dropped.
    """

    def __init__(
        self, capacity: int, clock: Callable[[], float], on_drop: Callable[[str, V], None]
    ) -> None:
        self._capacity = capacity
        self._clock = clock
        self._on_drop = on_drop
        self._entries: dict[str, Entry[V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def get(self, key: str) -> V | None:
        """The value; None when there is none, or it has expired."""
        entry = self._entries.get(key)
        return entry.value if entry is not None and self._clock() < entry.expires else None

    def entry(self, key: str) -> Entry[V] | None:
        """The entry, None without one. It may have expired."""
        return self._entries.get(key)

    def put(self, key: str, value: V, seconds: float) -> None:
        """Stores `value` for `seconds`."""
        self.drop(key)
        now = self._clock()
        self._entries[key] = Entry(value, now + seconds)
        while self._entries:
            oldest = next(iter(self._entries))
            if len(self._entries) <= self._capacity and now < self._entries[oldest].expires:
                break
            self.drop(oldest)

    def drop(self, key: str) -> None:
        """Removes the entry of `key`, if there is one."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            entry.expires = -math.inf
            self._on_drop(key, entry.value)


MAX_AGE_SECONDS = 5.0
"""How long an answer is cached at most: how stale it may be when no event arrives."""

NEGATIVE_SECONDS = 1.0
"""How long `NotFound` is cached."""

TOKEN_MARGIN_SECONDS = 10.0
"""Shortest remaining lifetime of a token that is sent to an upstream."""

MAX_NEGATIVE_ENTRIES = 10_000


class _PendingLookup(Generic[V]):
    """A running lookup, and the subjects that were invalidated since it began."""

    __slots__ = ("all_outdated", "outdated", "result")

    result: "asyncio.Task[V | None]"

    def __init__(self) -> None:
        self.outdated: set[str] = set()
        self.all_outdated = False


class LookupCache(Generic[V]):
    """Caches answers by key.

    Concurrent lookups of the same key ask the other service once. When the subject of an answer is
    invalidated during its lookup, the answer may be outdated, and the service is asked again.
    """

    def __init__(
        self,
        noun: str,
        registry: CollectorRegistry,
        *,
        subjects: Callable[[V], Iterable[str]],
        seconds: Callable[[V, datetime], float],
        capacity: int,
        negative_capacity: int = MAX_NEGATIVE_ENTRIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`subjects`: the subjects whose invalidation makes an answer outdated.

        `seconds`: how long an answer may be cached. `negative_capacity`: how many keys are cached
        as not found. `noun` is part of the metrics' names.
        """
        self._subjects = subjects
        self._seconds = seconds
        self._cache = ExpiringMap[V](capacity, clock, self._unindex)
        self._negative = ExpiringMap[Literal[True]](negative_capacity, clock, lambda *_: None)
        self._keys_by_subject: defaultdict[str, set[str]] = defaultdict(set)
        self._pending: dict[str, _PendingLookup[V]] = {}
        words = noun.replace("_", " ")
        lookups = Counts(f"gateway_{noun}_lookups", f"Look-ups: {words}.", ("outcome",), registry)
        self._hits, self._misses = lookups.of[("hit",)], lookups.of[("miss",)]
        self._evictions = Counter(
            f"gateway_{noun}_evictions", f"Forgotten for an event: {words}.", registry=registry
        )
        Gauge(f"gateway_{noun}s_held", f"In memory: {words}.", registry=registry).set_function(
            self._cache.__len__
        )

    def get_cached(self, key: str) -> V | None:
        """The cached answer of `key`, None without one."""
        value = self._cache.get(key)
        if value is not None:
            self._hits.total += 1
        return value

    def entry(self, key: str) -> Entry[V] | None:
        """The entry of `key`, None without one. It may have expired."""
        return self._cache.entry(key)

    async def get(self, key: str, load: Callable[[], Awaitable[V]]) -> V | None:
        """The cached answer of `key`, or the result of `load`; None for `NotFound`.

        Raises every other exception of `load`.
        """
        value = self.get_cached(key)
        if value is not None:
            return value
        if self._negative.get(key):
            self._hits.total += 1
            return None
        self._misses.total += 1
        lookup = self._pending.get(key)
        if lookup is None:
            lookup = self._pending[key] = _PendingLookup()
            lookup.result = asyncio.create_task(self._load(key, lookup, load))
        # Shielded: when one caller is cancelled, the others still get the answer.
        return await asyncio.shield(lookup.result)

    def invalidate(self, subject: str) -> None:
        """Drops the answers about `subject`."""
        for lookup in self._pending.values():
            lookup.outdated.add(subject)
        for key in tuple(self._keys_by_subject.get(subject, ())):
            self._cache.drop(key)
            self._evictions.inc()

    def invalidate_all(self) -> None:
        """Drops all answers."""
        for lookup in self._pending.values():
            lookup.all_outdated = True
        for key in tuple(self._cache):
            self._cache.drop(key)

    async def _load(
        self, key: str, lookup: _PendingLookup[V], load: Callable[[], Awaitable[V]]
    ) -> V | None:
        try:
            found = await _found(load)
            while found is not None and self._is_outdated(lookup, found):
                lookup.outdated.clear()
                lookup.all_outdated = False
                found = await _found(load)
        finally:
            del self._pending[key]
        if found is None:
            self._negative.put(key, True, NEGATIVE_SECONDS)
        elif (seconds := min(MAX_AGE_SECONDS, self._seconds(found, datetime.now(UTC)))) > 0:
            self._cache.put(key, found, seconds)
            for subject in self._subjects(found):
                self._keys_by_subject[subject].add(key)
        return found

    def _is_outdated(self, lookup: _PendingLookup[V], found: V) -> bool:
        """Whether a subject of this answer was invalidated during its lookup."""
        return lookup.all_outdated or not lookup.outdated.isdisjoint(self._subjects(found))

    def _unindex(self, key: str, value: V) -> None:
        for subject in self._subjects(value):
            keys = self._keys_by_subject[subject]
            keys.discard(key)
            if not keys:
                del self._keys_by_subject[subject]


def seconds_of_token(ends: datetime, now: datetime) -> float:
    """How long a token may be sent to upstreams, seconds."""
    return (ends - now).total_seconds() - TOKEN_MARGIN_SECONDS


async def _found(load: Callable[[], Awaitable[V]]) -> V | None:
    try:
        return await load()
    except NotFound:
        return None
