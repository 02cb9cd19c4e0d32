"""One line in the log, and one measurement, for each request."""

import time
from functools import lru_cache

from authz_gateway.server.request import Request
from shared.log import line
from shared.web.metrics import HttpMetrics


class Record:
    """Keeps account of requests by their routes, never by their paths."""

    def __init__(self, metrics: HttpMetrics) -> None:
        self._metrics = metrics
        self._line = line("request")

    def __call__(self, request: Request, status: int) -> None:
        """Notes that a request was answered."""
        seconds = time.perf_counter() - request.began
        method, route, connection = request.head.method, request.route, request.connection
        direct = request.address is connection.address
        shown = connection.shown_address if direct else _text(request.address)
        self._metrics.observe(method, route, status, seconds)
        self._line(
            {
                "request_id": request.id,
                "method": method,
                "route": route,
                "status": status,
                "milliseconds": round(seconds * 1000, 2),
                "uid": request.uid,
                "address": shown,
                "reason": request.reason,
            }
        )


_text = lru_cache(maxsize=10_000)(str)
