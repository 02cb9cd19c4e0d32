"""A span for each statement that is executed in a trace."""

import time
from collections.abc import Callable
from functools import lru_cache

import asyncpg
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from shared import tracing

_MAX_TEXT_LENGTH = 2048


def query_spans(schema: str) -> Callable[["asyncpg.connection.LoggedQuery"], None]:
    """A query logger for asyncpg's connections; statements outside traces have no span.

    The text of a statement has no values: they are arguments, which are not recorded.
    """

    def record(query: "asyncpg.connection.LoggedQuery") -> None:
        # asyncpg calls this in the context of the statement. The span around it may have ended.
        parent = trace.get_current_span().get_span_context()
        if not parent.trace_flags.sampled:
            return
        ended = time.time_ns()
        name, text = _described(query.query)
        span = tracing.TRACER.start_span(
            name,
            kind=SpanKind.CLIENT,
            attributes={
                "db.system.name": "postgresql",
                "db.namespace": schema,
                "db.query.text": text,
            },
            start_time=ended - int(query.elapsed * 1e9),
        )
        if query.exception is not None:
            span.set_status(StatusCode.ERROR, type(query.exception).__name__)
        span.end(ended)

    return record


@lru_cache(maxsize=1024)
def _described(query: str) -> tuple[str, str]:
    """The name of a statement's span, which is its first word, and its text on one line."""
    words = query.split()
    return (words[0].strip(";").upper() if words else "SQL"), " ".join(words)[:_MAX_TEXT_LENGTH]
