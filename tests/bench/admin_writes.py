"""What an administrator's change costs: internal calls, transactions and time."""

import asyncio
import statistics
import time
from collections.abc import Iterator

import aiohttp
import asyncpg
import psutil
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.installed import Bench, installed
from tests.bench.row import Row, percentile
from tests.support.client import Client
from tests.support.system import Installation

ROUNDS = 10
LABELS = 10
"""A round adds so many labels and then deletes them: sets stay as small as they are in life."""
MOST_CALLS = 2
PATH = "admin/users/labels"
_FLUSH_SECONDS = 11.0
"""After so long every idle connection of PostgreSQL 17 has told its statistics."""


def rows() -> Iterator[Row]:
    """`POST /admin/users/labels`, through the gateway, one after the other."""
    with installed() as bench, bench.running():
        for scope in ("private", "public"):
            yield from asyncio.run(_measured(bench, scope))


async def _measured(bench: Bench, scope: str) -> list[Row]:
    async with Client(bench.system) as admin, Client(bench.system) as member:
        assert (await admin.log_in_as_superadmin()).status == 201
        uid = str((await member.become_member()).body["uid"])
        await _round(admin, uid, scope)
        return await _rows(bench, admin, uid, scope)


async def _rows(bench: Bench, admin: Client, uid: str, scope: str) -> list[Row]:
    number = ROUNDS * LABELS
    calls = await internal_calls(bench.system)
    worked = _processor_seconds()
    commits = await _commits(bench)
    begun = time.monotonic()
    took: list[float] = []
    for _ in range(ROUNDS):
        took += await _round(admin, uid, scope)
    calls = await internal_calls(bench.system) - calls
    worked = _processor_seconds() - worked
    commits = await _commits(bench) - commits
    lasted = time.monotonic() - begun
    idle = await _commits(bench)
    await asyncio.sleep(lasted)
    commits -= await _commits(bench) - idle
    what = f"a {scope} label"
    return [
        Row(f"{what}: internal calls", calls / number / 2, "", MOST_CALLS + 0.001),
        Row(f"{what}: transactions, its event's included", commits / number / 2, ""),
        Row(f"{what}: processor time of all services", worked * 1000 / number / 2, "ms"),
        Row(f"{what}: median", statistics.median(took), "ms"),
        Row(f"{what}: p95", percentile(took, 0.95), "ms"),
    ]


def _processor_seconds() -> float:
    """What the services have worked so far, which others on the machine change little."""
    services = [
        process
        for process in psutil.Process().children(recursive=True)
        if process.cmdline()[-1:] == ["serve"]
    ]
    times = [process.cpu_times() for process in services]
    return sum(each.user + each.system for each in times)


async def _round(admin: Client, uid: str, scope: str) -> list[float]:
    """Labels added, and deleted again: milliseconds of each addition."""
    took = []
    labels = [{"uid": uid, "scope": scope, "key": f"seen-{n}"} for n in range(LABELS)]
    for label in labels:
        begun = time.perf_counter()
        answer = await admin.post(PATH, {**label, "value": "once"})
        took.append((time.perf_counter() - begun) * 1000)
        assert answer.status == 201, answer.body
    for label in labels:
        assert (await admin.call("DELETE", PATH, params=label)).status == 204
    return took


async def internal_calls(system: Installation) -> int:
    """Calls about users that services have answered each other, the gateway's not counted."""
    total = 0
    async with aiohttp.ClientSession() as http:
        for name in ("identity", "resource", "admin"):
            async with http.get(f"{system.internal_url(name)}/metrics") as got:
                text = await got.text()
            for family in text_string_to_metric_families(text):
                for sample in family.samples if family.name == "http_requests" else ():
                    if sample.labels["route"].startswith(("/users", "/subjects", "/attachments")):
                        total += int(sample.value)
    return total


async def _commits(bench: Bench) -> int:
    """Transactions and lone statements that were committed, once all connections have told."""
    await asyncio.sleep(_FLUSH_SECONDS)
    connection = await asyncpg.connect(bench.database.dsns["identity"])
    try:
        return int(
            await connection.fetchval(
                "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
            )
        )
    finally:
        await connection.close()
