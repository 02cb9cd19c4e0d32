"""The OpenTelemetry Collector, built from its Go modules, and what it was sent."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local import ports
from deploy.local.processes import StartError
from tests.interop.servers import running
from tests.support.distribution import one_at_a_time
from tests.support.system import ROOT

HERE = Path(__file__).parent
_PROGRAM = ROOT / ".local" / "programs" / "otel-collector"
_BUILD_SECONDS = 600
_CONFIGURATION = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{file: {{path: {file}, flush_interval: 100ms}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}}
  telemetry: {{metrics: {{level: none}}}}
"""
KINDS = {2: "server", 3: "client", 4: "producer", 5: "consumer"}


@dataclass(frozen=True, slots=True)
class Span:
    """A span that the collector took; `service` is the `service.name` of its resource."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: Mapping[str, Any]
    status: Mapping[str, Any]
    events: int
    seconds: float


class Collector:
    """A running collector; `url` is what OTEL_EXPORTER_OTLP_ENDPOINT takes."""

    def __init__(self, url: str, file: Path) -> None:
        self.url = url
        self._file = file

    def spans(self) -> list[Span]:
        """All spans so far."""
        if not self._file.exists():
            return []
        whole = self._file.read_text().rpartition("\n")[0]
        return [span for line in whole.splitlines() for span in _spans(json.loads(line))]


@asynccontextmanager
async def collector(folder: Path) -> AsyncIterator[Collector]:
    """Runs a collector for the time of the block; raises StartError where it cannot be built."""
    program = await asyncio.to_thread(_program)
    port, file = ports.free_ports(1)[0], folder / "spans.json"
    configuration = folder / "collector.yaml"
    configuration.write_text(_CONFIGURATION.format(port=port, file=file))
    command: list[str | Path] = [program, f"--config=file:{configuration}"]
    async with running(command, folder, port, {}) as url:
        yield Collector(url, file)


def _program() -> Path:
    """Builds the collector, once: that takes two minutes, and 20 s where Go has its modules."""
    made_of = "".join((HERE / name).read_text() for name in ("go.mod", "go.sum", "main.go"))
    stamp = _PROGRAM.with_suffix(".made-of")
    with one_at_a_time("otel-collector"):
        if _PROGRAM.exists() and stamp.exists() and stamp.read_text() == made_of:
            return _PROGRAM
        go = shutil.which("go")
        if go is None:
            raise StartError("There is no go on this machine to build the collector.")
        fetched = _run(go, "mod", "download")
        if fetched.returncode != 0:
            raise StartError(f"go cannot fetch the collector's modules: {fetched.stderr[-300:]}")
        _PROGRAM.parent.mkdir(parents=True, exist_ok=True)
        built = _run(go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(_PROGRAM), ".")
        assert built.returncode == 0, built.stdout + built.stderr
        stamp.write_text(made_of)
    return _PROGRAM


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=HERE, check=False, capture_output=True, text=True, timeout=_BUILD_SECONDS
    )


def _spans(line: Mapping[str, Any]) -> Iterator[Span]:
    """The spans of a line of the collector's file, which is OTLP's JSON."""
    for resource in line["resourceSpans"]:
        service = _attributes(resource["resource"])["service.name"]
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield Span(
                    service=service,
                    name=span["name"],
                    kind=KINDS.get(span["kind"], "internal"),
                    trace_id=span["traceId"],
                    span_id=span["spanId"],
                    parent_id=span.get("parentSpanId", ""),
                    attributes=_attributes(span),
                    status=span.get("status", {}),
                    events=len(span.get("events", ())),
                    seconds=(int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e9,
                )


def _attributes(of: Mapping[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in of.get("attributes", ())}
