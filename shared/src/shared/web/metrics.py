"""Prometheus metrics of a process; labels are route templates, so their number is bounded."""

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Registry(CollectorRegistry):
    """The metrics of one service, from which /metrics is made."""

    def __init__(self) -> None:
        super().__init__(auto_describe=True)
        ProcessCollector(registry=self)

    async def answer(self, _request: web.Request) -> web.Response:
        """GET /metrics in Prometheus' text format."""
        return web.Response(
            body=generate_latest(self), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


class HttpMetrics:
    """Rate, errors and duration of requests by method and route template."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time from the first byte of a request to the start of its answer.",
            ("method", "route"),
            registry=registry,
            buckets=_BUCKETS,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts one request; a method nobody defined counts as OTHER."""
        method = method if method in _METHODS else "OTHER"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
