"""Traces as the OpenTelemetry Collector takes them, from services that are real processes."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from deploy.local import rabbitmq
from deploy.local.processes import StartError
from tests.bench.installed import Bench
from tests.interop.traces.collector import Collector, Span, collector
from tests.support.database import TestDatabase
from tests.support.system import PASSWORD, installation, ready
from tests.support.waiting import until

SERVICES = ("identity", "resource", "admin", "gateway", "mailer")
TRUSTED = "127.0.0.2"
ENDS = ("POST /api/v2/barong/identity", "POST /api/v2/identity/users", "process mailer-svc")
"""Spans that every sign-up has; each ends after those below it."""


@dataclass(frozen=True, slots=True)
class Traced:
    """A system whose services send traces to the collector."""

    bench: Bench
    collector: Collector

    async def trace(self, trace_id: str, *names: str) -> list[Span]:
        """The spans of a trace, when there is one of each of these names."""

        async def found() -> list[Span]:
            spans = [span for span in self.collector.spans() if span.trace_id == trace_id]
            return spans if {span.name for span in spans} >= set(names) else []

        return await until(found)

    def log(self, service: str) -> str:
        """What a service has logged."""
        return (self.bench.folder / f"{service}.log").read_text()


@pytest.fixture(scope="module")
async def traced(
    tmp_path_factory: pytest.TempPathFactory,
    database_template: TestDatabase,
    rabbitmq_folder: Path,
    mail_folder: Path,
    smtp_port: int,
) -> AsyncIterator[Traced]:
    """The gateway trusts only `TRUSTED`; it calls from another address."""
    folder = tmp_path_factory.mktemp("traces")
    database = await database_template.clone()
    url = rabbitmq.add_vhost(rabbitmq_folder, f"traces-{secrets.token_hex(4)}")
    try:
        async with collector(folder) as taking:
            system = installation(
                database,
                url,
                mail_folder,
                smtp_port,
                OTEL_EXPORTER_OTLP_ENDPOINT=taking.url,
                OTEL_BSP_SCHEDULE_DELAY="100",
            )
            gateway = {**system.environments["gateway"], "BARONG_TRUSTED_PROXIES": f"{TRUSTED}/32"}
            system.environments["gateway"] = gateway  # type: ignore[index]
            bench = Bench(system, database, folder)
            with ExitStack() as processes:
                for name in SERVICES:
                    processes.enter_context(bench.process(name))
                await asyncio.gather(*(ready(system, name) for name in SERVICES))
                yield Traced(bench, taking)
    except StartError as error:
        pytest.skip(str(error))


@asynccontextmanager
async def calling_from(traced: Traced, address: str) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    url = traced.bench.system.gateway_url
    async with aiohttp.ClientSession(url, connector=connector) as http:
        yield http


async def sign_up(http: aiohttp.ClientSession, traceparent: str) -> str:
    email = f"{secrets.token_hex(6)}@example.com"
    form = {"email": email, "password": PASSWORD}
    headers = {"traceparent": traceparent, "tracestate": "vendor=1"}
    path = "/api/v2/barong/identity/users"
    async with http.post(path, data=form, headers=headers) as got:
        assert got.status == 201
    return email


def new_traceparent() -> tuple[str, str]:
    """A traceparent, and its trace's id."""
    trace_id = secrets.token_hex(16)
    return f"00-{trace_id}-{secrets.token_hex(8)}-01", trace_id


async def test_a_sign_up_is_one_trace_from_the_gateway_to_the_mailer(traced: Traced) -> None:
    traceparent, trace_id = new_traceparent()
    async with calling_from(traced, TRUSTED) as http:
        email = await sign_up(http, traceparent)
    mail = "system.user.email.confirmation.token"
    spans = await traced.trace(trace_id, *ENDS)
    by_id = {span.span_id: span for span in spans}

    def way(span: Span) -> list[tuple[str, str, str]]:
        """Service, kind and name of a span and of all spans above it."""
        above = by_id.get(span.parent_id)
        step = (span.service, span.kind, span.name)
        return [*way(above), step] if above else [step]

    [entry] = [span for span in spans if span.parent_id == traceparent.split("-")[2]]
    assert way(entry) == [("authz-gateway", "server", "POST /api/v2/barong/identity")]
    service = [*way(entry), ("identity-svc", "server", "POST /api/v2/identity/users")]
    published = [*service, ("identity-svc", "producer", f"publish {mail}")]
    assert [*published, ("mailer-svc", "consumer", "process mailer-svc")] in map(way, spans)
    statements = [span for span in spans if "db.query.text" in span.attributes]
    inserts = [
        span for span in statements if "INSERT INTO outbox" in span.attributes["db.query.text"]
    ]
    assert inserts
    assert way(inserts[0]) == [*service, ("identity-svc", "client", "INSERT")]
    assert all(span.parent_id in by_id for span in spans if span is not entry)
    # Nothing of the user is in the trace.
    told = json.dumps([[span.name, dict(span.attributes), dict(span.status)] for span in spans])
    assert email not in told
    assert PASSWORD not in told


async def test_an_untrusted_client_does_not_choose_the_trace(traced: Traced) -> None:
    traceparent, trace_id = new_traceparent()
    async with calling_from(traced, "127.0.0.1") as http:
        await sign_up(http, traceparent)
    traceparent, later = new_traceparent()
    async with calling_from(traced, TRUSTED) as http:
        await sign_up(http, traceparent)
    await traced.trace(later, *ENDS)
    assert not [span for span in traced.collector.spans() if span.trace_id == trace_id]


async def test_logs_and_metrics_lead_to_the_trace(traced: Traced) -> None:
    traceparent, trace_id = new_traceparent()
    async with calling_from(traced, TRUSTED) as http:
        await sign_up(http, traceparent)
    await traced.trace(trace_id, *ENDS)
    for service in ("gateway", "identity"):

        async def logged(service: str = service) -> bool:
            return trace_id in traced.log(service)

        await until(logged)
        assert trace_id in await exemplars(traced, service)


async def exemplars(traced: Traced, service: str) -> set[str]:
    """The traces that the durations of requests name."""
    url = f"{traced.bench.system.internal_url(service)}/metrics"
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with aiohttp.ClientSession() as http, http.get(url, headers=accept) as got:
        assert got.content_type == "application/openmetrics-text"
        families = list(text_string_to_metric_families(await got.text()))
    return {
        sample.exemplar.labels["trace_id"]
        for family in families
        for sample in family.samples
        if sample.exemplar is not None
    }
