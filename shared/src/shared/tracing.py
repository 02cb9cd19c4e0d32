"""Traces: OpenTelemetry's spans, W3C Trace Context between processes, and OTLP to a collector.

Without an endpoint for OTLP nothing is recorded: `TRACER` makes spans that do nothing, and messages
carry no context. The SDK is imported only where it is needed, because it takes 30 MB.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

from multidict import MultiMapping
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.contracts.events import Event
from shared.version import VERSION

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"

TRACER = trace.get_tracer("barong", VERSION)
"""Makes spans, which are recorded while `exporting` runs."""

SHUTDOWN_SECONDS = 3.0
"""How long a service that ends waits for the collector to take its last spans."""

_MAX_STATE_LENGTH = 512
_NO_CONTEXT = Context()
_PROPAGATOR = TraceContextTextMapPropagator()


@asynccontextmanager
async def exporting(service: str, endpoint: str) -> AsyncIterator[None]:
    """Records spans for the time of the block, and sends them to `endpoint`; none if it is blank.

    `endpoint` is the whole URL to which traces are posted. A thread sends them in batches. When the
    collector is away or slow, the oldest spans are dropped, and nothing else waits. The standard
    variables `OTEL_*` set name and attributes of the service, sampling, sizes and credentials.
    """
    if not endpoint:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = {"service.name": service, "service.namespace": "barong", "service.version": VERSION}
    resource = Resource.create(ours).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        # No thread that Python waits for when it exits: the collector may hang.
        last = threading.Thread(target=provider.shutdown, daemon=True)
        last.start()
        await asyncio.to_thread(last.join, SHUTDOWN_SECONDS)


def enabled() -> bool:
    """Whether this process records spans."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def trace_id() -> str:
    """The id of the trace that is being recorded here, in hexadecimal; blank without one."""
    span = trace.get_current_span()
    # A connection's callbacks run in the context of the call for which it was opened, whose span
    # may have ended long ago.
    return trace.format_trace_id(span.get_span_context().trace_id) if span.is_recording() else ""


def headers() -> dict[str, str]:
    """The headers that continue the current trace in another process; none without a trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier


def context_of(received: MultiMapping[str]) -> Context:
    """The context that the headers of a request carry; an empty one where they carry none.

    Raises nothing: whatever is no valid traceparent, or is there twice, counts as absent.
    """
    parents = received.getall(TRACEPARENT, [])
    if len(parents) != 1:
        return _NO_CONTEXT
    state = ",".join(received.getall(TRACESTATE, []))
    return _context(parents[0], state if len(state) <= _MAX_STATE_LENGTH else "")


def _context(parent: str, state: str = "") -> Context:
    return _PROPAGATOR.extract({TRACEPARENT: parent, TRACESTATE: state}, _NO_CONTEXT)


@contextmanager
def recorded(
    name: str, parent: Context | None, kind: SpanKind, attributes: Mapping[str, str]
) -> Iterator[Span]:
    """A span for the time of the block, which continues `parent`; None for the current context.

    Of an error only the type is recorded: messages may have personal data.
    """
    with TRACER.start_as_current_span(
        name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise


@contextmanager
def calling(service: str, method: str) -> Iterator[Span]:
    """The span of a call to another service's internal API, for the time of the block.

    Outside a trace there is none: services poll each other all the time.
    """
    current = trace.get_current_span()
    if not current.get_span_context().is_valid:
        yield current
        return
    attributes = {"http.request.method": method, "server.address": service}
    with recorded(f"{method} {service}", None, SpanKind.CLIENT, attributes) as span:
        yield span


@contextmanager
def publishing(event: Event) -> Iterator[Event]:
    """The span in which an event is published; it continues the trace of the event's call.

    Gives the event as it is to be published. An event of a call whose trace is not recorded has
    no span.
    """
    if event.traceparent is None or not enabled():
        yield event
        return
    with recorded(
        f"publish {event.name}",
        _context(event.traceparent),
        SpanKind.PRODUCER,
        {
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "send",
            "messaging.message.id": str(event.id),
        },
    ):
        yield replace(event, traceparent=headers().get(TRACEPARENT))


@contextmanager
def processing(queue: str, event_id: str | None, received: Mapping[str, Any]) -> Iterator[None]:
    """The span in which a message of a queue is handled; it continues the trace of its event.

    `received` are the message's headers. A message without a trace begins one.
    """
    parent = received.get(TRACEPARENT)
    with recorded(
        f"process {queue}",
        _context(parent) if isinstance(parent, str) else _NO_CONTEXT,
        SpanKind.CONSUMER,
        {
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "process",
            "messaging.destination.name": queue,
            "messaging.message.id": event_id or "",
        },
    ):
        yield
