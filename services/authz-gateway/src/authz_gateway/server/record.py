"""One line in the log, and one measurement, for each request."""

from functools import lru_cache
from time import perf_counter

from authz_gateway.server.request import Request
from shared.log import line, members
from shared.web.metrics import HttpMetrics, Requests

_REMEMBERED = 10_000
"""What requests have in common with others, as it is written and counted: half a KB each."""


class Record:
    """Keeps account of requests by their routes, never by their paths."""

    def __init__(self, metrics: HttpMetrics) -> None:
        self._metrics = metrics
        self._line = line("request")
        self._alike = lru_cache(_REMEMBERED)(self._all_alike)

    def answered(self, request: Request, status: int) -> None:
        """Notes that a request was answered."""
        seconds = perf_counter() - request.began
        requests, fields = self._alike(
            request.head.method,
            request.route,
            status,
            request.uid,
            request.shown_address,
            request.reason,
        )
        requests.observe(seconds)
        # An id has no character that JSON would escape.
        self._line(f'"request_id":"{request.id}","milliseconds":{seconds * 1000:.2f},{fields}')

    def _all_alike(
        self,
        method: str,
        route: str,
        status: int,
        uid: str | None,
        address: str,
        reason: str | None,
    ) -> tuple[Requests, str]:
        fields = {
            "method": method,
            "route": route,
            "status": status,
            "uid": uid,
            "address": address,
            "reason": reason,
        }
        return self._metrics.of(method, route, status), members(fields)
