"""How soon every replica of the gateway feels what ends or changes a caller's rights."""

import asyncio
import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import aio_pika
import aiohttp
from yarl import URL

from tests.bench.installed import Bench, installed
from tests.bench.row import Row, percentile
from tests.bench.wrk_load import saturated
from tests.support.client import USER_AGENT, Client
from tests.support.revocations import ME, REVOCATIONS, Prepared, Revocation, subject_of
from tests.support.system import Installation
from tests.support.waiting import until

TIMES = 15
REPLICAS = 3
LIMIT_MILLISECONDS = 100
_LONGEST_SECONDS = 10
_ASK_SECONDS = 0.002
LOG_OUTS = 100
POLICIES = 20
_DECISION = f"/api/v2/auth/{ME}"
"""Where a gateway answers by itself, so that nothing is measured but what it decides."""
_PACE_SECONDS = 0.004
LIMIT_UNDER_LOAD = 50
"""Milliseconds: for so long a replica may let calls pass that are sent after the session ended."""


def rows() -> Iterator[Row]:
    """From the answer to the change until a replica's first answer that shows it."""
    with installed() as bench, ExitStack() as stack:
        stack.enter_context(bench.running())
        replicas = [bench.with_another_gateway() for _ in range(REPLICAS)]
        for replica in replicas:
            stack.enter_context(replica.process("gateway"))
        for replica in replicas:
            replica.wait("gateway")
        urls = [replica.system.gateway_url for replica in replicas]
        everything: list[float] = []
        for name, prepare in REVOCATIONS.items():
            felt = asyncio.run(_felt(bench, urls, prepare))
            everything += felt
            yield Row(f"{name}: felt by {REPLICAS} replicas, median", percentile(felt, 0.5), "ms")
        yield Row("any of these: p99", percentile(everything, 0.99), "ms", LIMIT_MILLISECONDS)
        yield Row("any of these: slowest", max(everything), "ms")
        yield from _under_load(bench, urls)


def _under_load(bench: Bench, urls: Sequence[str]) -> Iterator[Row]:
    """The same while wrk keeps both gateways and services busy; the first replica carries."""
    user = asyncio.run(_members_headers(bench))
    busy = [*(f"{url}{_DECISION}" for url in urls), f"{urls[0]}/api/v2/barong/identity/ping"]
    carrying = dataclasses.replace(
        bench.system, public={**bench.system.public, "gateway": URL(urls[0]).port or 0}
    )
    with ExitStack() as stack:
        sessions = asyncio.run(_sessions(bench))
        stack.enter_context(saturated(busy, user))
        passed, felt = asyncio.run(_log_outs(urls, sessions))
        yield Row(f"under load: log-outs whose next call passed, of {LOG_OUTS}", passed, "", 1)
        yield Row("under load: still let pass by the others, median", percentile(felt, 0.5), "ms")
        p99 = percentile(felt, 0.99)
        yield Row("under load: still let pass by the others, p99", p99, "ms", LIMIT_UNDER_LOAD)
        yield Row("under load: still let pass by the others, longest", max(felt), "ms")
        hops = asyncio.run(_hops(bench.system.environments["gateway"]["AMQP_URL"]))
        what = "under load: a message through RabbitMQ, of no service of ours, p99"
        yield Row(what, percentile(hops, 0.99), "ms")
        wrong = asyncio.run(_policies(carrying))
        what = f"under load: calls decided by the policy before, of {POLICIES}"
        yield Row(what, wrong, "", 1)


async def _members_headers(bench: Bench) -> dict[str, str]:
    async with Client(bench.system) as member:
        await member.become_member()
        return {"Cookie": f"_barong_session={member.cookie}", "User-Agent": USER_AGENT}


@dataclasses.dataclass(frozen=True, slots=True)
class _Session:
    """A session, as its browser calls with it."""

    headers: dict[str, str]


async def _sessions(bench: Bench) -> list[_Session]:
    """As many of one member's, before the machine is busy."""
    async with Client(bench.system) as member:
        await member.become_member()
        sessions = []
        for _ in range(LOG_OUTS):
            async with Client(bench.system) as browser:
                assert (await browser.log_in(member.email)).status == 201
                cookie = f"_barong_session={browser.cookie}"
                sessions.append(_Session({"Cookie": cookie, "User-Agent": USER_AGENT}))
    return sessions


async def _log_outs(urls: Sequence[str], sessions: Sequence[_Session]) -> tuple[int, list[float]]:
    """How many next calls at the carrying gateway passed; milliseconds of the others."""
    passed = 0
    felt: list[float] = []
    timeout = aiohttp.ClientTimeout(total=_LONGEST_SECONDS)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
        for session in sessions:
            for url in urls:
                assert await _ask(http, url, session) == 200
            others = [asyncio.create_task(_let_pass(http, url, session)) for url in urls[1:]]
            gone = f"{urls[0]}/api/v2/barong/identity/sessions"
            async with http.delete(gone, headers=session.headers) as answer:
                assert answer.status == 204
            ended = time.perf_counter()
            passed += await _ask(http, urls[0], session) != 401
            lasts = await asyncio.gather(*others)
            felt += [max(0.0, last - ended) * 1000 for last in lasts]
    return passed, felt


async def _let_pass(http: aiohttp.ClientSession, url: str, session: _Session) -> float:
    """The moment in which the last call that passed was sent; one follows the other quickly."""
    last = 0.0
    refused = False

    async def call() -> None:
        nonlocal last, refused
        sent = time.perf_counter()
        if await _ask(http, url, session) == 200:
            last = max(last, sent)
        else:
            refused = True

    async with asyncio.TaskGroup() as calls:
        while not refused:
            calls.create_task(call())
            await asyncio.sleep(_PACE_SECONDS)
    return last


async def _ask(http: aiohttp.ClientSession, url: str, session: _Session) -> int:
    async with http.get(url + _DECISION, headers=session.headers) as got:
        return got.status


async def _hops(url: str) -> list[float]:
    """Milliseconds from sending a message until it is back: what the machine leaves at best."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel(publisher_confirms=False)
        queue = await channel.declare_queue(exclusive=True)
        hops = []
        async with queue.iterator(no_ack=True) as messages:
            for _ in range(LOG_OUTS):
                sent = time.perf_counter()
                await channel.default_exchange.publish(aio_pika.Message(b"x"), queue.name)
                await anext(messages)
                hops.append((time.perf_counter() - sent) * 1000)
                await asyncio.sleep(_PACE_SECONDS)
    return hops


async def _policies(system: Installation) -> int:
    """Calls right after a rule was added or removed that were decided as if it had not been."""
    wrong = 0
    async with Client(system) as admin, Client(system) as member:
        await admin.log_in_as_superadmin()
        await member.become_member()
        rule = {"role": "member", "verb": "get", "path": "resource/phones", "action": "drop"}
        for _ in range(POLICIES // 2):
            made = await admin.post("admin/permissions", rule)
            wrong += (await member.get("resource/phones")).status != 401
            await admin.call("DELETE", "admin/permissions", params={"id": made.body["id"]})
            wrong += (await member.get("resource/phones")).status == 401
    return wrong


async def _felt(bench: Bench, urls: Sequence[str], prepare: Prepared) -> list[float]:
    """Milliseconds, one for each replica and time."""
    felt = []
    async with Client(bench.system) as admin, aiohttp.ClientSession() as http:
        await admin.log_in_as_superadmin()
        for _ in range(TIMES):
            async with Client(bench.system) as browser:
                revocation = await prepare(await subject_of(browser, admin))
                for url in urls:
                    assert await _status(http, url, revocation) == revocation.before
                await revocation.make()
                made = time.perf_counter()
                moments = await asyncio.gather(*(_until_felt(http, u, revocation) for u in urls))
                felt += [(moment - made) * 1000 for moment in moments]
    return felt


async def _until_felt(http: aiohttp.ClientSession, url: str, revocation: Revocation) -> float:
    """The moment when it was."""

    async def felt() -> float:
        answer = await _status(http, url, revocation)
        return time.perf_counter() if answer == revocation.after else 0

    return await until(felt, _LONGEST_SECONDS, every=_ASK_SECONDS)


async def _status(http: aiohttp.ClientSession, url: str, revocation: Revocation) -> int:
    path = f"{url}/api/v2/barong/{revocation.path}"
    async with http.get(path, headers=revocation.headers()) as got:
        return got.status
