"""A span for each request to a service."""

from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode

from shared import tracing
from shared.values.addresses import Network, address_of
from shared.web.access_log import PROBES, route_template
from shared.web.metrics import known_method

_NEW_TRACE = Context()


def spans(trusted: Sequence[Network] | None) -> Middleware:
    """A middleware that records each request as a span, named by its route's template.

    The span continues the trace that the request names, if the peer is in a `trusted` network; None
    trusts every peer. Other requests begin a trace. Probes have no span.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_template(request)
        if not tracing.enabled() or route in PROBES:
            return await handler(request)
        method = known_method(request.method)
        with tracing.recorded(
            f"{method} {route}",
            tracing.context_of(request.headers) if _trusts(trusted, request) else _NEW_TRACE,
            SpanKind.SERVER,
            {"http.request.method": method, "http.route": route},
        ) as span:
            response = await handler(request)
            span.set_attribute("http.response.status_code", response.status)
            if response.status >= 500:
                span.set_status(StatusCode.ERROR)
            return response

    return middleware


def _trusts(trusted: Sequence[Network] | None, request: web.Request) -> bool:
    if trusted is None:
        return True
    peer = address_of(request.remote or "")
    return peer is not None and any(peer in network for network in trusted)
