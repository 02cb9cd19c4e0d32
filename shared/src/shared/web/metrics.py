"""Prometheus metrics of a process; labels are route templates, so their number is bounded."""

from http import HTTPStatus

from aiohttp import web
from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from shared.web.tallies import Counts, Requests, Timings

_SWITCHED = 101
_STATUSES = frozenset(HTTPStatus) | {470, 471, 499}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Registry(CollectorRegistry):
    """The metrics of one service, which /metrics shows."""

    def __init__(self) -> None:
        super().__init__(auto_describe=True)
        # They would be a second series beside each counter, which nobody reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        ProcessCollector(registry=self)

    async def answer(self, request: web.Request) -> web.Response:
        """GET /metrics in OpenMetrics' format if the client asks for it, else in Prometheus'.

        Only OpenMetrics has exemplars.
        """
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self), headers={"Content-Type": content_type})


class HttpMetrics:
    """Rate, errors and duration of requests by method and route template."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counts(
            "http_requests", "Requests answered.", ("method", "route", "status"), registry
        )
        self._seconds = Timings(
            "http_request_duration_seconds",
            "Time from a request's head to its answer, but for WebSockets.",
            ("method", "route"),
            registry,
        )
        self._known: dict[tuple[str, str, int], Requests] = {}

    def of(self, method: str, route: str, status: int) -> Requests:
        """Such requests; a method nobody defined counts as OTHER, a status as 2xx, 5xx …"""
        known = self._known.get((method, route, status))
        if known is None:
            named = known_method(method)
            count = self._requests.of[named, route, _status(status)]
            timing = self._seconds.of[named, route]
            # A WebSocket may last for any time.
            known = Requests(count, None if status == _SWITCHED else timing)
            if method == named:  # clients choose the others
                self._known[method, route, status] = known
        return known

    def observe(
        self, method: str, route: str, status: int, seconds: float, trace_id: str = ""
    ) -> None:
        """Counts one request; with `trace_id` it is an example of its duration."""
        requests = self.of(method, route, status)
        requests.observe(seconds)
        if trace_id:
            requests.exemplify(seconds, trace_id)


def known_method(method: str) -> str:
    """The method, or OTHER for one that nobody defined: clients choose it."""
    return method if method in _METHODS else "OTHER"


def _status(status: int) -> str:
    """Upstreams may answer with any status, even one that their clients choose."""
    return str(status) if status in _STATUSES else f"{status // 100}xx"
