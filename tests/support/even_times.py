"""Whether several ways take the same time, on a machine that does other things as well."""

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
    """The ratio of the times of these ways, each of which is gone again and again, in any order.

    `clock` gives seconds: `time.process_time` where the ways are work that this process does, which
    other processes do not lengthen. What else happens only ever adds, so the shortest of many is
    what a way takes. Where it never ends, it adds as much to one way as to another: then the
    medians of many show it. Returns as soon as either shows that the ways are alike.
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
