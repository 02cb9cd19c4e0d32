"""The access log: one log line and one measurement per request."""

import asyncio
import math
from time import monotonic
from typing import Final

from authz_gateway.http.request import Request
from shared.log import lines_of, members
from shared.web.metrics import HttpMetrics
from shared.web.tallies import Requests

_MAX_CACHED_LABELS = 10_000
"""Each takes half a KB."""

FLUSH_SECONDS: Final = 0.005


class RequestLabels:
    """What equal requests share: their metric, and their `fields` of the log line as JSON."""

    __slots__ = ("fields", "requests")

    def __init__(self, requests: Requests, fields: str) -> None:
        self.requests = requests
        self.fields = fields


class AccessLog:
    """Logs and counts requests by their routes, never by their paths.

    Lines are written in batches: in the next iteration of the event loop or, less than
    `flush_seconds` after the last batch, after so long together with all lines that come until
    then.
    """

    def __init__(self, metrics: HttpMetrics, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._metrics = metrics
        self._flush_seconds = flush_seconds
        self._write_lines = lines_of("request")
        self._unwritten: list[tuple[RequestLabels, str, float]] = []
        self._flushed_at = -math.inf
        self._labels: dict[tuple[str, str, int, str | None, str, str | None], RequestLabels] = {}

    def record(self, request: Request, status: int) -> None:
        """Records a finished request; needs a running event loop."""
        now = monotonic()
        seconds = now - request.began
        head, route, uid, address = request.head, request.route, request.uid, request.address_text
        key = (head.method, route, status, uid, address, request.reason)
        labels = self._labels.get(key)
        if labels is None:
            if len(self._labels) >= _MAX_CACHED_LABELS:
                self._labels.clear()
            labels = self._labels[key] = self._new_labels(*key)
        labels.requests.observe(seconds)
        if not self._unwritten:
            delay = 0.0 if now - self._flushed_at > self._flush_seconds else self._flush_seconds
            asyncio.get_running_loop().call_later(delay, self.flush)
        self._unwritten.append((labels, request.id, seconds))

    def record_traced(self, request: Request, status: int, trace_id: str) -> None:
        """Records a finished request whose trace is recorded: the line and the metric name it."""
        self.record(request, status)
        labels, request_id, seconds = self._unwritten[-1]
        # Both ids are digits and letters, which JSON does not escape.
        self._unwritten[-1] = (labels, f'{request_id}","trace_id":"{trace_id}', seconds)
        labels.requests.exemplify(seconds, trace_id)

    def flush(self) -> None:
        """Writes all waiting lines."""
        unwritten, self._unwritten = self._unwritten, []
        lines = []
        for labels, request_id, seconds in unwritten:
            # A request id has no character that JSON escapes.
            start = f'"request_id":"{request_id}","milliseconds":'
            lines.append(f"{start}{seconds * 1000:.2f},{labels.fields}")
        if lines:
            self._write_lines(lines)
        self._flushed_at = monotonic()

    def _new_labels(
        self,
        method: str,
        route: str,
        status: int,
        uid: str | None,
        address: str,
        reason: str | None,
    ) -> RequestLabels:
        fields = {
            "method": method,
            "route": route,
            "status": status,
            "uid": uid,
            "address": address,
            "reason": reason,
        }
        requests = self._metrics.of(method, route, status)
        return RequestLabels(requests, members(fields))
