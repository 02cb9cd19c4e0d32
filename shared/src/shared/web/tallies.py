"""Counters and histograms for what happens with every call: kept by one thread, without locks.

prometheus_client's own cost a microsecond or two each time, as much as the decision about a call.
"""

import math
import time
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""The upper bounds of a histogram's buckets."""

_MOST_UNCOUNTED: Final = 512


Bucket = tuple[str, float] | tuple[str, float, Exemplar]
"""An upper bound, the number of measurements up to it, and an example of them."""


class Count:
    """A counter."""

    __slots__ = ("total",)

    def __init__(self) -> None:
        self.total = 0


class Counts(Collector):
    """Counters `of` each combination of label values."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str], registry: CollectorRegistry
    ) -> None:
        self.of: defaultdict[tuple[str, ...], Count] = defaultdict(Count)
        self._about = (name, documentation, tuple(labels))
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The metrics for Prometheus."""
        name, documentation, labels = self._about
        family = CounterMetricFamily(name, documentation, labels=labels)
        for values, count in tuple(self.of.items()):
            family.add_metric(values, count.total)
        yield family


class Timing:
    """One histogram of seconds."""

    __slots__ = ("_counts", "_exemplars", "_new", "_sum")

    def __init__(self) -> None:
        self._counts = [0] * (len(SECONDS) + 1)
        self._exemplars: dict[int, Exemplar] = {}  # the newest of each bucket
        self._sum = 0.0
        self._new: list[float] = []  # not among the counts yet: sorted, many cost less than one

    def observe(self, seconds: float) -> None:
        """Adds one."""
        self._new.append(seconds)
        if len(self._new) >= _MOST_UNCOUNTED:
            self._count()

    def exemplify(self, seconds: float, trace_id: str) -> None:
        """Makes a measurement that was added the example of its bucket."""
        bucket = bisect_left(SECONDS, seconds)
        self._exemplars[bucket] = Exemplar({"trace_id": trace_id}, seconds, time.time())

    def told(self) -> tuple[Sequence[Bucket], float]:
        """The number of measurements up to each bound, and the sum of all in seconds.

        With each number comes the newest example between this bound and the one below.
        """
        self._count()
        bounds = (*(str(float(bound)) for bound in SECONDS), "+Inf")
        buckets: list[Bucket] = list(zip(bounds, accumulate(self._counts), strict=True))
        for place, exemplar in self._exemplars.items():
            buckets[place] = (*buckets[place][:2], exemplar)
        return buckets, self._sum

    def _count(self) -> None:
        new, self._new = sorted(self._new), []
        self._sum += sum(new)
        below = 0
        for place, bound in enumerate((*SECONDS, math.inf)):
            until = bisect_right(new, bound)
            self._counts[place] += until - below
            below = until


class Timings(Collector):
    """Histograms `of` each combination of label values."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str], registry: CollectorRegistry
    ) -> None:
        self.of: defaultdict[tuple[str, ...], Timing] = defaultdict(Timing)
        self._about = (name, documentation, tuple(labels))
        registry.register(self)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The metrics for Prometheus."""
        name, documentation, labels = self._about
        family = HistogramMetricFamily(name, documentation, labels=labels)
        for values, timing in tuple(self.of.items()):
            family.add_metric(values, *timing.told())
        yield family


class Requests:
    """The counters of requests with the same labels."""

    __slots__ = ("_count", "_timing")

    def __init__(self, count: Count, timing: Timing | None) -> None:
        self._count = count
        self._timing = timing

    def observe(self, seconds: float) -> None:
        """Adds a request that took so many seconds."""
        self._count.total += 1
        if self._timing is not None:
            self._timing.observe(seconds)

    def exemplify(self, seconds: float, trace_id: str) -> None:
        """Makes a request that was added an example of its duration."""
        if self._timing is not None:
            self._timing.exemplify(seconds, trace_id)
