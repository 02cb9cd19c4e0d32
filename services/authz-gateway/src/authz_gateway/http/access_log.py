"""One line in the log, and one measurement, for each request."""

import asyncio
import math
from time import monotonic

from authz_gateway.http.request import Request
from shared.log import lines_of, members
from shared.web.metrics import HttpMetrics
from shared.web.tallies import Requests

_REMEMBERED = 10_000
"""What requests have in common with others, as it is written and counted: half a KB each."""


_PAUSE_SECONDS = 0.005


class RequestLabels:
    """What a request has in common with others: how it is counted, and its `fields` in the log."""

    __slots__ = ("fields", "requests")

    def __init__(self, requests: Requests, fields: str) -> None:
        self.requests = requests
        self.fields = fields


class AccessLog:
    """Keeps account of requests by their routes, never by their paths.

    Lines are written at the end of the event loop's turn, where that was not done just before; else
    after a moment, together with those that come meanwhile.
    """

    def __init__(self, metrics: HttpMetrics) -> None:
        self._metrics = metrics
        self._write_lines = lines_of("request")
        self._unwritten: list[tuple[RequestLabels, str, float]] = []
        self._written = -math.inf
        self._accounts: dict[tuple[str, str, int, str | None, str, str | None], RequestLabels] = {}

    def answered(self, request: Request, status: int) -> None:
        """Notes that a request was answered; needs a running event loop."""
        now = monotonic()
        seconds = now - request.began
        head, route, uid, address = request.head, request.route, request.uid, request.shown_address
        key = (head.method, route, status, uid, address, request.reason)
        account = self._accounts.get(key)
        if account is None:
            if len(self._accounts) >= _REMEMBERED:
                self._accounts.clear()
            account = self._accounts[key] = self._new_account(*key)
        account.requests.observe(seconds)
        if not self._unwritten:
            pause = 0.0 if now - self._written > _PAUSE_SECONDS else _PAUSE_SECONDS
            asyncio.get_running_loop().call_later(pause, self.write)
        self._unwritten.append((account, request.id, seconds))

    def write(self) -> None:
        """Writes the lines that wait for it."""
        unwritten, self._unwritten = self._unwritten, []
        lines = []
        for account, request_id, seconds in unwritten:
            # An id has no character that JSON would escape.
            start = f'"request_id":"{request_id}","milliseconds":'
            lines.append(f"{start}{seconds * 1000:.2f},{account.fields}")
        if lines:
            self._write_lines(lines)
        self._written = monotonic()

    def _new_account(
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
