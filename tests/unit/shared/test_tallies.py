"""Our own counters and histograms, as Prometheus reads them."""

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from shared.web.tallies import SECONDS, Counts, Timings

SAMPLES = (0.0, 0.001, 0.0011, 0.2, 10, 10.5)


def told(registry: CollectorRegistry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_a_counter_counts_by_its_labels() -> None:
    registry = CollectorRegistry(auto_describe=True)
    counts = Counts("calls", "Calls.", ("route", "status"), registry)
    counts.of["/x", "200"].total += 2
    counts.of["/x", "404"].total += 1

    assert told(registry) == {
        ("calls_total", (("route", "/x"), ("status", "200"))): 2,
        ("calls_total", (("route", "/x"), ("status", "404"))): 1,
    }


def test_a_histogram_says_the_same_as_prometheus_own() -> None:
    ours, theirs = CollectorRegistry(auto_describe=True), CollectorRegistry(auto_describe=True)
    timings = Timings("seconds", "Time.", ("route",), ours)
    peer = Histogram("seconds", "Time.", ("route",), registry=theirs, buckets=SECONDS)
    for times in (1, 1, 300):
        for seconds in SAMPLES * times:
            timings.of[("/x",)].observe(seconds)
            peer.labels("/x").observe(seconds)

        assert told(ours) == pytest.approx(told(theirs))
        assert len(told(ours)) == len(SECONDS) + 3


def test_the_newest_example_of_each_bucket_is_exposed() -> None:
    registry = CollectorRegistry()
    timing = Timings("seconds", "Time.", ("route",), registry).of[("/x",)]
    for seconds, trace_id in ((0.002, "old"), (0.001, "low"), (0.0011, "new"), (60.0, "high")):
        timing.observe(seconds)
        timing.exemplify(seconds, trace_id)
    text = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    families = openmetrics_parser.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    examples = {
        sample.labels["le"]: (sample.value, sample.exemplar.labels["trace_id"])
        for family in families
        for sample in family.samples
        if sample.exemplar
    }
    assert examples == {"0.001": (1.0, "low"), "0.0025": (3.0, "new"), "+Inf": (4.0, "high")}
    assert b"trace_id" not in generate_latest(registry)
