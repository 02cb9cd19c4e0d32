"""What operators are told: as documented, and bounded whatever clients send."""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from shared.database.partitions import AHEAD
from tests.deploy.promql import promtool
from tests.support.client import Client
from tests.support.system import NAMES, ROOT, Installation
from tests.support.transport import Raw, Upstream, gateway
from tests.support.waiting import until

SERVICES = {
    "identity": "identity-svc",
    "resource": "resource-svc",
    "admin": "admin-svc",
    "gateway": "authz-gateway",
    "mailer": "mailer-svc",
    "webhooks": "webhooks-svc",
    "oauth": "oauth-svc",
}
ADDED = {"le"}
"""What a histogram's samples have besides its own labels."""
MARK = "zq7"
RARE_METHODS = ("PROPFIND", "MKCOL", "LOCK", "SEARCH", "REPORT", "COPY")
"""Which HTTP parsers know, and nobody here uses."""


async def metrics_of(url: str) -> list[Metric]:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as got:
        assert got.status == 200
        families = list(text_string_to_metric_families(await got.text()))
    return [family for family in families if not family.name.startswith("process_")]


def documented() -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """Service, metric, type and labels, as docs/operators/metrics.md has them."""
    row = re.compile(r"\| `(\w+)` \| (\w+) \| ([\w, ]*) \| ([\w, -]+) \| .{15,} \|")
    for line in (ROOT / "docs" / "operators" / "metrics.md").read_text().splitlines():
        if line.startswith("| `"):
            match = row.fullmatch(line)
            assert match, line
            name, kind, labels, services = match.groups()
            for service in SERVICES.values() if services == "all" else services.split(", "):
                yield service, name, kind, frozenset(filter(None, labels.split(", ")))


async def test_every_metric_is_documented_and_every_documented_one_is_there(
    system: Installation,
) -> None:
    told = {
        (service, f"{each.name}_total" if each.type == "counter" else each.name, each.type)
        for name, service in SERVICES.items()
        for each in await metrics_of(system.internal_url(name))
    }
    assert told == {(service, name, kind) for service, name, kind, _ in documented()}


async def test_metrics_have_the_labels_that_are_documented(
    system: Installation, client: Client
) -> None:
    await client.become_member()
    await client.get("resource/users/me")
    labels = {(service, name): labels for service, name, _, labels in documented()}
    seen = set()
    for name, service in SERVICES.items():
        for each in await metrics_of(system.internal_url(name)):
            for sample in each.samples:
                key = (service, f"{each.name}_total" if each.type == "counter" else each.name)
                assert sample.labels.keys() - ADDED == labels[key], sample
                seen.add(key[1])
    counted_by_nothing_so_far = {
        *("captcha_verifications_total", "throttled_attempts_total", "gateway_throttled_total"),
        *("gateway_api_key_lookups_total", "gateway_api_key_owner_lookups_total"),
        "gateway_access_token_lookups_total",
        "provider_log_ins_total",
        *("outbox_refused_total", "outbox_refusing_queue"),
    }
    assert seen | counted_by_nothing_so_far == {name for _, name in labels}


async def test_what_alerts_count_is_there_from_the_start(system: Installation) -> None:
    """A series that begins with 1 was never seen to increase."""
    audits = series(await metrics_of(system.internal_url("gateway")))["gateway_audits_total"]
    assert {dict(labels)["kept"] for labels in audits} == {"queue", "admin-svc", "nowhere"}


async def test_partitions_ahead_are_those_that_admin_svc_makes(system: Installation) -> None:
    async def ahead() -> bool:
        families = await metrics_of(system.internal_url("admin"))
        [gauge] = [each for each in families if each.name == "activity_partitions_ahead"]
        return gauge.samples[0].value >= AHEAD

    await until(ahead, 30)


@pytest.mark.parametrize("name", NAMES)
async def test_prometheus_finds_nothing_to_mend(system: Installation, name: str) -> None:
    url = f"{system.internal_url(name)}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as got:
        text = await got.text()
    done = await asyncio.to_thread(promtool, "check", "metrics", given=text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def series(families: list[Metric]) -> Mapping[str, set[tuple[tuple[str, str], ...]]]:
    """The label sets of each metric."""
    found = defaultdict(set)
    for family in families:
        for sample in family.samples:
            found[sample.name].add(tuple(sorted(sample.labels.items())))
    return found


def hostile(turn: int, port: int) -> Iterator[str]:
    """Requests that try to name something that no other request has named."""
    mark = f"{MARK}{turn}"
    for path in (
        f"/{mark}",
        f"/api/v2/{mark}/{mark}",
        f"/api/v2/barong/identity/{mark}",
        f"/api/v2/barong/resource/users/{mark}?{mark}={mark}",
        f"/api/v2/barong/admin/users/{mark}",
        f"/api/v2/auth/{mark}/../{mark}",
        f"/api/v2/auth/api/v2/{mark}",
        f"/%2e%2e/{mark}",
        f"/own/{mark}",
        f"/own/status/{200 + turn}",
        f"http://{mark}/own/x",
    ):
        for method in ("GET", f"ZQ{'X' * turn}", RARE_METHODS[turn]):
            yield (
                f"{method} {path} HTTP/1.1\r\nHost: {mark}.example:{port}\r\n"
                f"X-Request-Id: {mark}\r\nUser-Agent: {mark}\r\nX-Auth-Apikey: {mark}\r\n"
                f"Authorization: Bearer {mark}\r\nCookie: _barong_session={mark}\r\n"
                f"X-Role: {mark}\r\nOrigin: https://{mark}\r\nContent-Length: 0\r\n\r\n"
            )
    yield f"{mark} {mark}\r\n\r\n"
    yield f"GET / {mark}/1.1\r\nHost: {mark}\r\n\r\n"


async def send(url: str, request: str) -> None:
    async with Raw.to(url) as raw:
        await raw.send(request)
        await raw.head()


async def obey(raw: Raw) -> None:
    """An upstream whose clients choose its statuses."""
    head = (await raw.until(b"\r\n\r\n")).decode()
    match = re.search(r"/status/(\d+)", head)
    status = match[1] if match else "200"
    await raw.send(f"HTTP/1.1 {status} {MARK}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


async def test_clients_cannot_make_series_at_the_gateway(tmp_path: Path) -> None:
    async with Upstream.listening(obey) as upstream:
        routes = f"- {{prefix: /own, access: public, upstream: '{upstream.url}'}}\n" + (
            "- {prefix: /api/v2, access: required, upstream: 'http://127.0.0.1:1'}\n"
        )
        async with gateway(tmp_path, routes) as made:
            for method, status in product(("GET", "ODD"), (*range(200, 600), 999)):
                call = f"{method} /own/status/{status} HTTP/1.1\r\nHost: x\r\n\r\n"
                await send(made.public, call)
            for request in hostile(0, 1):
                await send(made.public, request)
            await metrics_of(made.internal)  # which counts, too
            before = series(await metrics_of(made.internal))
            for turn in range(1, 6):
                for request in hostile(turn, turn):
                    await send(made.public, request)
            after = series(await metrics_of(made.internal))
    assert after == before
    assert MARK not in repr(after).lower()
    statuses = {dict(labels)["status"] for labels in after["http_requests_total"]}
    assert {"2xx", "5xx", "9xx", "502"} <= statuses
    assert len(statuses) < 80


@pytest.mark.parametrize("name", NAMES)
async def test_clients_cannot_make_series_at_services(system: Installation, name: str) -> None:
    ports = [system.internal_url(name)]
    if name not in ("mailer", "gateway"):
        ports.append(system.public_url(name))

    async def counted() -> set[tuple[tuple[str, str], ...]]:
        made = series(await metrics_of(system.internal_url(name)))
        return made["http_requests_total"] | made["http_request_duration_seconds_count"]

    async def tried(turn: int) -> None:
        for url in ports:
            for request in hostile(turn, turn):
                if not request.startswith("GET http"):  # the client's business with a proxy
                    await send(url, request)

    await tried(0)
    await counted()  # which counts, too
    before = await counted()
    for turn in range(1, 4):
        await tried(turn)
    after = await counted()
    assert after == before
    assert MARK not in repr(after).lower()
