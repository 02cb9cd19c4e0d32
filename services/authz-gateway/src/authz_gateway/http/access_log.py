"""One line in the log, and one measurement, for each request."""

import asyncio
import math
from functools import lru_cache
from time import monotonic

from authz_gateway.http.request import Request
from shared.log import lines_of, members
from shared.web.metrics import HttpMetrics
from shared.web.tallies import Requests

_REMEMBERED = 10_000
"""What requests have in common with others, as it is written and counted: half a KB each."""


_PAUSE_SECONDS = 0.005


class Account:
    """What a request has in common with others: how it is counted, and its `fields` in the log."""

    __slots__ = ("fields", "reason", "requests", "status")

    def __init__(self, status: int, reason: str | None, requests: Requests, fields: str) -> None:
        self.status = status
        self.reason = reason
        self.requests = requests
        self.fields = fields


class Record:
    """Keeps account of requests by their routes, never by their paths.

    Lines are written at the end of the event loop's turn, where that was not done just before; else
    after a moment, together with those that come meanwhile.
    """

    def __init__(self, metrics: HttpMetrics) -> None:
        self._metrics = metrics
        self._write_lines = lines_of("request")
        self._unwritten: list[tuple[Account, str, float]] = []
        self._written = -math.inf
        self._account = lru_cache(_REMEMBERED)(self._new_account)

    def answered(self, request: Request, status: int) -> None:
        """Notes that a request was answered; needs a running event loop."""
        now = monotonic()
        seconds = now - request.began
        account = request.account
        if account is None or account.status != status or account.reason != request.reason:
            account = request.account = self._account(
                request.head.method,
                request.route,
                status,
                request.uid,
                request.shown_address,
                request.reason,
            )
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
            milliseconds = "%.2f" % (seconds * 1000)
            # An id has no character that JSON would escape.
            lines.append(
                f'"request_id":"{request_id}","milliseconds":{milliseconds},{account.fields}'
            )
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
    ) -> Account:
        fields = {
            "method": method,
            "route": route,
            "status": status,
            "uid": uid,
            "address": address,
            "reason": reason,
        }
        requests = self._metrics.of(method, route, status)
        return Account(status, reason, requests, members(fields))
