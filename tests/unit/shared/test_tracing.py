"""Traces: which context counts, and a collector that is away or hangs costs nothing."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from multidict import CIMultiDict
from opentelemetry import trace

from shared import tracing
from shared.settings import ServiceSettings, load_settings
from tests.unit.shared.builders import KEYS

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"

SOON = 30.0
"""Seconds; longer than `tracing.SHUTDOWN_SECONDS`, and shorter than an attempt of the exporter."""

WORKING = """
import asyncio, json, logging, sys
from shared import tracing

async def main():
    logging.disable()
    async with tracing.exporting("a-service", sys.argv[1]):
        assert tracing.enabled()
        for number in range(20_000):
            with tracing.recorded("work", None, tracing.SpanKind.INTERNAL, {}):
                pass
            if number % 100 == 0:
                await asyncio.sleep(0)
        # `ru_maxrss` of a process includes what its parent had when it forked.
        with open("/proc/self/status") as status:
            memory = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        print(json.dumps({"kilobytes": memory}), flush=True)

asyncio.run(main())
"""


def context(headers: list[tuple[str, str]]) -> trace.SpanContext:
    """The span that these headers name."""
    found = tracing.context_of(CIMultiDict(headers))
    return trace.get_current_span(found).get_span_context()


def test_a_valid_context_is_continued() -> None:
    found = context([("Traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")])
    assert trace.format_trace_id(found.trace_id) == TRACE
    assert trace.format_span_id(found.span_id) == SPAN
    assert found.trace_flags.sampled
    assert found.trace_state.to_header() == "a=1,b=2"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("traceparent", "")],
        [("traceparent", "x" * 8000)],
        [("traceparent", PARENT[:-1])],
        [("traceparent", f"ff-{TRACE}-{SPAN}-01")],
        [("traceparent", f"00-{'0' * 32}-{SPAN}-01")],
        [("traceparent", f"00-{TRACE}-{'0' * 16}-01")],
        [("traceparent", f"00-{TRACE[:-1]}g-{SPAN}-01")],
        [("traceparent", "00-\udce9-\u212a-01")],
        [("traceparent", PARENT), ("traceparent", PARENT)],
        [("tracestate", "a=1")],
    ],
)
def test_anything_else_counts_as_absent(headers: list[tuple[str, str]]) -> None:
    assert not context(headers).is_valid


@pytest.mark.parametrize("state", ["a" * 600, "=,=;\udce9", ",".join(f"a{n}=1" for n in range(99))])
def test_a_bad_tracestate_is_dropped_alone(state: str) -> None:
    found = context([("traceparent", PARENT), ("tracestate", state)])
    assert found.is_valid
    assert len(found.trace_state) == 0


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a collector that accepts connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces"


@pytest.fixture
def away() -> str:
    """The address of a collector that is away."""
    return "http://127.0.0.1:1/v1/traces"


@pytest.mark.parametrize("collector", ["away", "silent"])
def test_a_collector_that_takes_nothing_costs_nothing(
    collector: str, request: pytest.FixtureRequest
) -> None:
    """Spans are dropped, memory does not grow, and the end does not wait for the collector."""
    command = [sys.executable, "-c", WORKING, request.getfixturevalue(collector)]
    # An attempt of the exporter takes a minute here, and there are 40 batches.
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_TIMEOUT": "60"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            told = json.loads(process.stdout.readline())
            assert process.wait(SOON) == 0
        finally:
            process.kill()
    assert told["kilobytes"] < 200_000


def test_without_an_endpoint_there_are_no_traces() -> None:
    """Neither the SDK nor the exporter is imported."""
    program = """
import asyncio, sys
from shared import tracing
async def main():
    async with tracing.exporting("a-service", ""):
        with tracing.recorded("work", None, tracing.SpanKind.INTERNAL, {}) as span:
            assert not span.is_recording()
            assert not tracing.enabled()
            assert tracing.headers() == {}
            assert tracing.trace_id() == ""
asyncio.run(main())
print(sorted(name for name in sys.modules if name in ("requests", "opentelemetry.sdk.trace")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/otlp/"}, "http://c:4318/otlp/v1/traces"),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t/here",
            },
            "https://t/here",
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_TRACES_EXPORTER": "none"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}, ""),
    ],
)
def test_where_traces_go(variables: dict[str, str], endpoint: str) -> None:
    settings = load_settings(ServiceSettings, {"BARONG_SERVICE_KEYS": KEYS, **variables})
    assert settings.traces_endpoint == endpoint
