"""Whether several ways to do something take the same time, on a busy machine."""

import random
import statistics
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import TypeVar

Way = TypeVar("Way", bound=Hashable)

ALIKE = 1.05
"""The slowest way takes at most so many times as long as the fastest."""

_FEW, _MANY, _MOST = 12, 40, 300


async def slowest_to_fastest(
    ways: Iterable[Way],
    go: Callable[[Way], Awaitable[object]],
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Runs each way repeatedly, in random order; returns slowest time / fastest.

    `clock` gives seconds: `time.process_time` for ways that are work of this process alone, because
    other processes do not lengthen it. Other work only ever adds time, so the shortest run is what
    a way takes. If other work never ends, it adds as much to one way as to another: then the
    medians of many runs show whether they are alike. Returns as soon as either shows that they are.
    """
    seconds: Mapping[Way, list[float]] = {way: [] for way in ways}
    ratio = float("inf")
    for turn in range(1, _MOST + 1):
        for way in random.sample(list(seconds), len(seconds)):
            started = clock()
            await go(way)
            seconds[way].append(clock() - started)
        if turn >= _FEW:
            ratio = _ratio(min(each) for each in seconds.values())
        if turn >= _MANY:
            ratio = min(ratio, _ratio(statistics.median(each) for each in seconds.values()))
        if ratio < ALIKE:
            break
    return ratio


def _ratio(seconds: Iterable[float]) -> float:
    found = sorted(seconds)
    return found[-1] / found[0]
