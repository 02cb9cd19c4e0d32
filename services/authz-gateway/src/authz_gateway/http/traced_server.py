"""The HTTP server of a gateway that records traces: each request is a span.

A gateway that records none has no part of this, so that traces cost it nothing.
"""

from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode

from authz_gateway.http.request import Request
from authz_gateway.http.server import HttpServer
from shared import tracing
from shared.web.metrics import known_method

_NEW_TRACE = Context()


class TracedHttpServer(HttpServer):
    """Records a span for each request, and sends its context to the upstream.

    The span continues the trace that a trusted proxy names; other requests begin a trace. It is
    the parent of the upstream's span: between the two is nothing but the network.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._spans: dict[Request, Span] = {}
        self.request_finished = self._finished

    def request_received(self, request: Request) -> None:
        """See `connection.Server`."""
        method = known_method(request.head.method)
        span = tracing.TRACER.start_span(
            method,
            self._parent(request),
            SpanKind.SERVER,
            {"http.request.method": method, "barong.request_id": request.id},
        )
        self._spans[request] = span
        # What the request starts, such as the task that decides about it, inherits the context.
        token = context.attach(trace.set_span_in_context(span, _NEW_TRACE))
        try:
            context_lines = tracing.headers().items()
            lines = "".join(f"{name}: {value}\r\n" for name, value in context_lines)
            request.trace = lines.encode()
            super().request_received(request)
        finally:
            context.detach(token)

    def trace_received(self, request: Request) -> None:
        """See `HttpServer`: the upstream gets the context of the gateway's own span."""

    def _parent(self, request: Request) -> Context:
        if not request.connection.trusted:
            return _NEW_TRACE
        return tracing.context_of(request.head.headers)

    def _finished(self, request: Request, status: int) -> None:
        span = self._spans.pop(request, None)
        if span is None or not span.is_recording():
            self._access_log.record(request, status)
            return
        trace_id = trace.format_trace_id(span.get_span_context().trace_id)
        self._access_log.record_traced(request, status, trace_id)
        span.update_name(f"{known_method(request.head.method)} {request.route}")
        span.set_attributes({"http.route": request.route, "http.response.status_code": status})
        if request.reason is not None:
            span.set_attribute("error.type", request.reason)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()
