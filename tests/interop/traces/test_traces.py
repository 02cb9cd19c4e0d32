"""Traces as the OpenTelemetry Collector takes them, from services that are real processes."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
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

SERVICES = ("identity", "resource", "admin", "gateway", "mailer", "console")
TRUSTED, UNTRUSTED = "127.0.0.1", "127.0.0.2"
LAST = [
    ("identity-svc", "producer", "publish system.user.email.confirmation.token"),
    ("mailer-svc", "consumer", "process mailer-svc"),
]
"""The last steps of a sign-up: its mail."""


def way(span: Span, spans: Mapping[str, Span]) -> list[tuple[str, str, str]]:
    """Service, kind and name of a span and of all spans above it."""
    above = spans.get(span.parent_id)
    step = (span.service, span.kind, span.name)
    return [*way(above, spans), step] if above else [step]


@dataclass(frozen=True, slots=True)
class Traced:
    """A system whose services send traces to the collector."""

    bench: Bench
    collector: Collector

    async def sign_up_spans(self, trace_id: str) -> Mapping[str, Span]:
        """The spans of a sign-up by their ids, when the mail was sent and all parents are there."""

        async def found() -> Mapping[str, Span]:
            spans = {each.span_id: each for each in self.collector.spans()}
            trace = {key: span for key, span in spans.items() if span.trace_id == trace_id}
            mailed = [span for span in trace.values() if way(span, trace)[-2:] == LAST]
            roots = [span for span in trace.values() if span.parent_id not in trace]
            return trace if mailed and len(roots) == 1 else {}

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
    """The gateway trusts only `TRUSTED`, from which console-svc calls, too."""
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
    spans = await traced.sign_up_spans(trace_id)
    [entry] = [span for span in spans.values() if span.parent_id == traceparent.split("-")[2]]
    gateway = ("authz-gateway", "server", "POST /api/v2/barong/identity")
    assert way(entry, spans) == [gateway]
    service = [gateway, ("identity-svc", "server", "POST /api/v2/identity/users")]
    ways = [way(span, spans) for span in spans.values()]
    assert [*service, *LAST] in ways
    inserts = [
        way(span, spans)
        for span in spans.values()
        if "INSERT INTO outbox" in span.attributes.get("db.query.text", "")
    ]
    assert [*service, ("identity-svc", "client", "INSERT")] in inserts
    # Nothing of the user is in the trace.
    told = json.dumps([[span.name, span.attributes, span.status] for span in spans.values()])
    assert email not in told
    assert PASSWORD not in told


async def test_a_page_is_one_trace_with_the_calls_that_it_makes(traced: Traced) -> None:
    traceparent, trace_id = new_traceparent()
    url = f"{traced.bench.system.public_url('console')}/account/sign-up"
    headers = {"traceparent": traceparent}
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as got:
        assert got.status == 200
    page = ("console-svc", "server", "GET /account/sign-up")
    call = ("console-svc", "client", "GET authz-gateway")
    gateway = ("authz-gateway", "server", "GET /api/v2/barong/identity")

    async def told() -> bool:
        spans = {each.span_id: each for each in traced.collector.spans()}
        trace = {key: span for key, span in spans.items() if span.trace_id == trace_id}
        return any(way(span, trace)[:3] == [page, call, gateway] for span in trace.values())

    await until(told)


async def test_an_untrusted_client_does_not_choose_the_trace(traced: Traced) -> None:
    traceparent, trace_id = new_traceparent()
    async with calling_from(traced, UNTRUSTED) as http:
        await sign_up(http, traceparent)
    traceparent, later = new_traceparent()
    async with calling_from(traced, TRUSTED) as http:
        await sign_up(http, traceparent)
    await traced.sign_up_spans(later)
    assert not [span for span in traced.collector.spans() if span.trace_id == trace_id]


async def test_logs_and_metrics_lead_to_the_trace(traced: Traced) -> None:
    traceparent, trace_id = new_traceparent()
    async with calling_from(traced, TRUSTED) as http:
        await sign_up(http, traceparent)
    await traced.sign_up_spans(trace_id)
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
        text = await got.text()
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return {
        sample.exemplar.labels["trace_id"]
        for family in families
        for sample in family.samples
        if sample.exemplar is not None
    }
