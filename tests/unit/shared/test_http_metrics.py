"""Requests as they are counted."""

import pytest
from prometheus_client import CollectorRegistry

from shared.web.metrics import HttpMetrics


@pytest.mark.parametrize(
    ("method", "status", "counted"),
    [
        ("GET", 200, ("GET", "200")),
        ("DELETE", 404, ("DELETE", "404")),
        ("get", 200, ("OTHER", "200")),
        ("PROPFIND", 405, ("OTHER", "405")),
        ("GET", 471, ("GET", "471")),  # kept out for maintenance
        ("GET", 499, ("GET", "499")),  # the client left
        ("GET", 299, ("GET", "2xx")),
        ("GET", 598, ("GET", "5xx")),
    ],
)
def test_a_request_counts_under_words_that_are_known(
    method: str, status: int, counted: tuple[str, str]
) -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    for _ in range(2):
        metrics.observe(method, "/users", status, 0.02)

    labels = {"method": counted[0], "route": "/users"}
    said = {**labels, "status": counted[1]}
    assert registry.get_sample_value("http_requests_total", said) == 2
    assert registry.get_sample_value("http_request_duration_seconds_sum", labels) == 0.04
    at_most = {**labels, "le": "0.01"}
    assert registry.get_sample_value("http_request_duration_seconds_bucket", at_most) == 0


def test_how_long_a_websocket_lasts_is_no_duration_of_a_call() -> None:
    registry = CollectorRegistry()
    metrics = HttpMetrics(registry)
    metrics.observe("GET", "/stream", 101, 3600.0)
    metrics.observe("GET", "/stream", 200, 0.1)

    labels = {"method": "GET", "route": "/stream"}
    said = {**labels, "status": "101"}
    assert registry.get_sample_value("http_requests_total", said) == 1
    assert registry.get_sample_value("http_request_duration_seconds_count", labels) == 1
