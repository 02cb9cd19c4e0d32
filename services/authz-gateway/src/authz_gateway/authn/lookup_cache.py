"""Answers of other services, kept for a moment and dropped when an event says that they changed."""

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


HELD_SECONDS = 5.0
"""How long an answer is held when no event says otherwise: how stale it may get."""

ABSENT_SECONDS = 1.0
"""How long it is held that there is nothing."""

TOKEN_MARGIN_SECONDS = 10.0
"""What is left of a token's life, at least, when it is sent upstream."""

MAX_ABSENT = 10_000


class _Question(Generic[V]):
    """A question that is not answered yet, and what events told of meanwhile."""

    __slots__ = ("all_outdated", "answer", "outdated")

    answer: "asyncio.Task[V | None]"

    def __init__(self) -> None:
        self.outdated: set[str] = set()
        self.all_outdated = False


class LookupCache(Generic[V]):
    """Answers by key.

    The other service is asked once however many calls miss the same answer at the same time. An
    answer that an event overtook on its way is not believed: the question is asked again.
    """

    def __init__(
        self,
        noun: str,
        registry: CollectorRegistry,
        *,
        subjects: Callable[[V], Iterable[str]],
        seconds: Callable[[V, datetime], float],
        capacity: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`subjects`: what may be said to have changed to make an answer outdated.

        `seconds`: how long an answer may be held. `noun` names the metrics.
        """
        self._subjects = subjects
        self._seconds = seconds
        self._cache = ExpiringMap[V](capacity, clock, self._unlist)
        self._absent = ExpiringMap[Literal[True]](MAX_ABSENT, clock, lambda *_: None)
        self._keys_of: defaultdict[str, set[str]] = defaultdict(set)
        self._questions: dict[str, _Question[V]] = {}
        words = noun.replace("_", " ")
        lookups = Counts(f"gateway_{noun}_lookups", f"Look-ups: {words}.", ("outcome",), registry)
        self._hits, self._misses = lookups.of[("hit",)], lookups.of[("miss",)]
        self._evictions = Counter(
            f"gateway_{noun}_evictions", f"Forgotten for an event: {words}.", registry=registry
        )
        Gauge(f"gateway_{noun}s_held", f"In memory: {words}.", registry=registry).set_function(
            self._cache.__len__
        )

    def held(self, key: str) -> V | None:
        """The answer held under `key`."""
        held = self._cache.get(key)
        if held is not None:
            self._hits.total += 1
        return held

    def entry(self, key: str) -> Entry[V] | None:
        """What is held under `key`, or was."""
        return self._cache.entry(key)

    async def get(self, key: str, ask: Callable[[], Awaitable[V]]) -> V | None:
        """The answer held under `key` or given to `ask`, None for `NotFound`.

        Raises whatever else `ask` raises.
        """
        held = self.held(key)
        if held is not None:
            return held
        if self._absent.get(key):
            self._hits.total += 1
            return None
        self._misses.total += 1
        question = self._questions.get(key)
        if question is None:
            question = self._questions[key] = _Question()
            question.answer = asyncio.create_task(self._ask(key, question, ask))
        # Shielded: that one caller leaves is no reason to leave the others without an answer.
        return await asyncio.shield(question.answer)

    def forget(self, subject: str) -> None:
        """What the answers tell of `subject` is outdated."""
        for question in self._questions.values():
            question.outdated.add(subject)
        for key in tuple(self._keys_of.get(subject, ())):
            self._cache.drop(key)
            self._evictions.inc()

    def forget_everything(self) -> None:
        """Events were missed."""
        for question in self._questions.values():
            question.all_outdated = True
        for key in tuple(self._cache):
            self._cache.drop(key)

    async def _ask(
        self, key: str, question: _Question[V], ask: Callable[[], Awaitable[V]]
    ) -> V | None:
        try:
            found = await _found(ask)
            while found is not None and self._overtaken(question, found):
                question.outdated.clear()
                question.all_outdated = False
                found = await _found(ask)
        finally:
            del self._questions[key]
        if found is None:
            self._absent.put(key, True, ABSENT_SECONDS)
        elif (seconds := min(HELD_SECONDS, self._seconds(found, datetime.now(UTC)))) > 0:
            self._cache.put(key, found, seconds)
            for subject in self._subjects(found):
                self._keys_of[subject].add(key)
        return found

    def _overtaken(self, question: _Question[V], found: V) -> bool:
        """Whether an event that came after the question may have made this answer untrue."""
        return question.all_outdated or not question.outdated.isdisjoint(self._subjects(found))

    def _unlist(self, key: str, value: V) -> None:
        for subject in self._subjects(value):
            keys = self._keys_of[subject]
            keys.discard(key)
            if not keys:
                del self._keys_of[subject]


def seconds_of_token(ends: datetime, now: datetime) -> float:
    """How long a token may be sent upstream, seconds."""
    return (ends - now).total_seconds() - TOKEN_MARGIN_SECONDS


async def _found(ask: Callable[[], Awaitable[V]]) -> V | None:
    try:
        return await ask()
    except NotFound:
        return None
