"""Counters and histograms for what happens with every call: kept by one thread, without locks.

prometheus_client's own cost a microsecond or two each time, as much as the decision about a call.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""The upper bounds of a histogram's buckets."""


class Count:
    """One counter: how many there were."""

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
        """What Prometheus is told."""
        name, documentation, labels = self._about
        family = CounterMetricFamily(name, documentation, labels=labels)
        for values, count in tuple(self.of.items()):
            family.add_metric(values, count.total)
        yield family


class Timing:
    """One histogram of seconds."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """Adds one."""
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.sum += seconds

    def buckets(self) -> Sequence[tuple[str, float]]:
        """How many took as long as each bound, or less."""
        bounds = (*(str(float(bound)) for bound in SECONDS), "+Inf")
        return list(zip(bounds, accumulate(self.counts), strict=True))


class Timings(Collector):
    """Histograms `of` each combination of label values."""

    def __init__(
        self, name: str, documentation: str, labels: Iterable[str], registry: CollectorRegistry
    ) -> None:
        self.of: defaultdict[tuple[str, ...], Timing] = defaultdict(Timing)
        self._about = (name, documentation, tuple(labels))
        registry.register(self)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What Prometheus is told."""
        name, documentation, labels = self._about
        family = HistogramMetricFamily(name, documentation, labels=labels)
        for values, timing in tuple(self.of.items()):
            family.add_metric(values, timing.buckets(), timing.sum)
        yield family
