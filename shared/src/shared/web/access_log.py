"""One structured line and one measurement for each request."""

import asyncio
import time

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shared import tracing
from shared.log import lines_of, members
from shared.web.context import CLIENT_ADDRESS, REQUEST_ID
from shared.web.errors import OUTCOME
from shared.web.metrics import HttpMetrics
from shared.web.principal import PRINCIPAL

UNKNOWN_ROUTE = "unknown"

ROUTE_LABEL = web.RequestKey("route_label", str)
"""The route's name where the URL's pattern says nothing; one of a bounded number."""


PROBES = frozenset({"/health/live", "/health/ready", "/metrics"})


def access_log(metrics: HttpMetrics, *, log_probes: bool = True) -> Middleware:
    """A middleware that records each request by its route's template, never by its path.

    Without `log_probes` what Kubernetes and Prometheus ask for is only counted, unless it fails.
    Lines are written at the end of the event loop's turn, those of one turn together.
    """
    write_lines = lines_of("request")
    unwritten: list[str] = []

    def write() -> None:
        lines = tuple(unwritten)
        unwritten.clear()  # also where they cannot be written: the next ones may
        write_lines(lines)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        status = 499  # the client left before there was an answer
        try:
            response = await handler(request)
            status = response.status
        finally:
            seconds = time.perf_counter() - started
            route = request.get(ROUTE_LABEL) or route_template(request)
            principal = request.get(PRINCIPAL)
            trace_id = tracing.trace_id()
            metrics.observe(request.method, route, status, seconds, trace_id)
            if log_probes or route not in PROBES or status >= 400:
                if not unwritten:
                    asyncio.get_running_loop().call_soon(write)
                fields = {
                    "request_id": request[REQUEST_ID],
                    "method": request.method,
                    "route": route,
                    "status": status,
                    "milliseconds": round(seconds * 1000, 2),
                    "uid": principal.uid if principal else None,
                    "address": str(request[CLIENT_ADDRESS]),
                    "reason": request.get(OUTCOME),
                }
                if trace_id:
                    fields["trace_id"] = trace_id
                unwritten.append(members(fields))
        return response

    return middleware


def route_template(request: web.Request) -> str:
    """The pattern that the request's path matched, or `unknown`."""
    resource = request.match_info.route.resource
    return resource.canonical.rstrip("/") if resource else UNKNOWN_ROUTE
