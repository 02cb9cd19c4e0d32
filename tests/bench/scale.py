"""Ten gateways and three replicas of each service: calls that fail, what comes late, memory.

All are processes of this machine, on one PostgreSQL and one RabbitMQ. The load is small, because a
few cores run more than thirty processes: it shows whether they work together, and no rate.
"""

import asyncio
import itertools
import secrets
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial

import aiohttp
import psutil

from tests.bench.installed import Bench, installed
from tests.bench.member import Member, member_of
from tests.bench.row import Row, percentile
from tests.bench.users_me import PRODUCTION
from tests.support.system import NAMES
from tests.support.waiting import until

GATEWAYS, REPLICAS = 10, 3
SERVICES = tuple(name for name in NAMES if name != "gateway")
MEMBERS = 12
CALLS, CALL_SECONDS = 2000, 40
"""Whichever comes first."""
ONE_CHANGE_OF = 10
LOG_OUTS = 10
WATCHED_SECONDS = 15
ASKED_AGAIN_SECONDS = 5
"""After so long a gateway asks identity-svc again about a session that is in use."""
CONNECTIONS_OF_A_POD = 13
"""At most, to PostgreSQL, of each service with a schema."""
SCHEMAS = ("identity", "resource", "admin", "mailer", "webhooks", "oauth")
FELT_MILLISECONDS = 1000
_AT_ONCE = 8
_SETTLE_SECONDS = 60
_API = "/api/v2/barong"
_DECISION = f"/api/v2/auth{_API}/resource/users/me"
"""Where a gateway answers by itself, so that nothing is measured but what it decides."""


def rows() -> Iterator[Row]:
    """Each gateway, and each service, calls one replica of every other service."""
    with installed(**PRODUCTION) as bench, ExitStack() as stack:
        cells: list[Bench] = []
        services: list[psutil.Process] = []
        for number in range(REPLICAS):
            cells.append(bench.beside() if number else bench)
            services += _started(stack, cells[-1], *SERVICES)
        gateways: list[Bench] = []
        processes: list[psutil.Process] = []
        for number in range(GATEWAYS):
            gateways.append(cells[number % REPLICAS].with_another_gateway())
            processes += _started(stack, gateways[-1], "gateway")
        members = [
            member_of(gateways[number % GATEWAYS], f"member{number}@example.com")
            for number in range(MEMBERS)
        ]
        yield from asyncio.run(_measured(bench, gateways, members))
        yield Row("memory of a gateway, median", statistics.median(map(_used, processes)), "MiB")
        everything = [*processes, *services]
        yield Row(f"memory of all {len(everything)} processes", sum(map(_used, everything)), "MiB")
        for process in everything:  # all at once: each takes seconds to end
            process.terminate()


def _started(stack: ExitStack, cell: Bench, *names: str) -> list[psutil.Process]:
    """These services, ready: a few at a time, since their starts share the cores."""
    processes = [stack.enter_context(cell.process(name)) for name in names]
    for name in names:
        cell.wait(name)
    return processes


def _used(process: psutil.Process) -> float:
    """Memory that belongs to no other process (USS), in MiB."""
    return float(process.memory_full_info().uss) / 2**20


async def _measured(
    bench: Bench, gateways: Sequence[Bench], members: Sequence[Member]
) -> list[Row]:
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as http, bench.database.connected() as sql:
        urls = [gateway.system.gateway_url for gateway in gateways]
        found = await _called(http, urls, members)
        began = time.monotonic()

        async def all_published() -> bool:
            for schema in ("identity", "resource", "admin"):
                if await sql.fetchval(
                    f"SELECT EXISTS (SELECT FROM {schema}.outbox WHERE published_at IS NULL)"
                ):
                    return False
            return True

        await until(all_published, _SETTLE_SECONDS)
        waited = time.monotonic() - began
        found.append(Row("after the calls: until all their events are published", waited, "s"))
        connections = await sql.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        )
        most = REPLICAS * len(SCHEMAS) * CONNECTIONS_OF_A_POD
        found.append(Row("connections to PostgreSQL", connections, "", most))
        found.append(await _asked(http, gateways, members[0]))
        felt = [await _felt(http, urls, member) for member in members[:LOG_OUTS]]
        what = f"log-outs: felt by all {GATEWAYS} gateways"
        found.append(Row(f"{what}, median", percentile(felt, 0.5), "ms"))
        found.append(Row(f"{what}, slowest of {LOG_OUTS}", max(felt), "ms", FELT_MILLISECONDS))
        return found


async def _called(
    http: aiohttp.ClientSession, urls: Sequence[str], members: Sequence[Member]
) -> list[Row]:
    """Calls of all members at all gateways in turn, some at once; one of ten is a change."""
    numbers = itertools.count()
    failed: list[str] = []
    milliseconds: list[float] = []

    async def caller() -> None:
        while time.monotonic() < began + CALL_SECONDS and (number := next(numbers)) < CALLS:
            member = members[number // GATEWAYS % MEMBERS]
            url = f"{urls[number % GATEWAYS]}{_API}/resource"
            sent, headers = time.monotonic(), {**member.at_gateway, **member.proof}
            if number // GATEWAYS % ONE_CHANGE_OF:
                call = http.get(f"{url}/users/me", headers=headers)
            else:
                label = {"key": f"scale-{secrets.token_hex(6)}", "value": "scale"}
                call = http.post(f"{url}/labels", data=label, headers=headers)
            try:
                async with call as answer:
                    if answer.status not in (200, 201):
                        failed.append(f"{answer.status} {await answer.text()}")
            except (aiohttp.ClientError, TimeoutError) as error:
                failed.append(type(error).__name__)
            milliseconds.append((time.monotonic() - sent) * 1000)

    began = time.monotonic()
    await asyncio.gather(*(caller() for _ in range(_AT_ONCE)))
    made = len(milliseconds)
    rate = made / (time.monotonic() - began)
    first = f" (first: {failed[0]})" if failed else ""
    return [
        Row(f"calls that failed, of {made}, a tenth of them changes{first}", len(failed), "", 1),
        Row(f"calls a second, of {_AT_ONCE} callers", rate, "/s"),
        Row("a call, median", percentile(milliseconds, 0.5), "ms"),
        Row("a call, p99", percentile(milliseconds, 0.99), "ms"),
    ]


async def _asked(http: aiohttp.ClientSession, gateways: Sequence[Bench], member: Member) -> Row:
    """How often identity-svc is asked about a session that calls all gateways, all the time."""

    async def misses() -> float:
        counts = [
            await _misses(http, gateway.system.internal_url("gateway")) for gateway in gateways
        ]
        return sum(counts)

    before, end = await misses(), time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < end:
        for gateway in gateways:
            assert await _decided(http, gateway.system.gateway_url, member) == 200
        await asyncio.sleep(0.1)
    asked = (await misses() - before) / WATCHED_SECONDS
    most = GATEWAYS * (1 / ASKED_AGAIN_SECONDS + 1 / WATCHED_SECONDS)
    return Row("a session in constant use: questions to identity-svc", asked, "/s", most)


async def _misses(http: aiohttp.ClientSession, url: str) -> float:
    async with http.get(f"{url}/metrics") as answer:
        for line in (await answer.text()).splitlines():
            if line.startswith('gateway_session_lookups_total{outcome="miss"}'):
                return float(line.split()[-1])
    return 0.0


async def _felt(http: aiohttp.ClientSession, urls: Sequence[str], member: Member) -> float:
    """Milliseconds from the answer to a log-out until every gateway refuses the session."""
    for url in urls:  # so that all have the session in memory
        assert await _decided(http, url, member) == 200
    headers = {**member.at_gateway, **member.proof}
    async with http.delete(f"{urls[0]}{_API}/identity/sessions", headers=headers) as answer:
        assert answer.status == 204, await answer.text()
    ended = time.monotonic()

    async def refused(url: str) -> bool:
        return await _decided(http, url, member) == 401

    async with asyncio.TaskGroup() as tasks:
        for url in urls:
            tasks.create_task(until(partial(refused, url), _SETTLE_SECONDS, every=0.005))
    return (time.monotonic() - ended) * 1000


async def _decided(http: aiohttp.ClientSession, url: str, member: Member) -> int:
    async with http.get(url + _DECISION, headers=member.at_gateway) as answer:
        return answer.status
