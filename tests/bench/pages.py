"""How soon console-svc answers its pages beside a directory of a million users, and their sizes."""

import asyncio
import json
import re
import statistics
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import aio_pika
import aiohttp
import asyncpg
import psutil
from yarl import URL

from shared.contracts.topology import SUBSCRIPTIONS
from shared.crypto.key_ring import KeyRing
from shared.messaging.broker import connected, declare_topology
from tests.bench.directory import USERS, fill
from tests.bench.generated_activities import generate_activities
from tests.bench.installed import Bench, installed
from tests.bench.member import EMAIL, member_of
from tests.bench.precedence import precedence
from tests.bench.row import Row, percentile
from tests.bench.users_me import (
    PRODUCTION,
    cpu_seconds,
    postgres_of,
    with_compiled_gateway,
)
from tests.support.system import PASSWORD, SUPERADMIN
from tests.support.waiting import until
from webhooks_svc.endpoints.models import Seal, new_secret

PAGE_MS = 50
PAGE_KB = 60
OF_EMPTY = 1.5
"""The time of a page as a multiple of the same page's with nobody in the directory, at most."""
TIMES = 20
FEWER_TIMES = 8
PACE_SECONDS = 0.06
AT_ONCE = 4
LETTERS = 25
SESSIONS = ENDPOINTS = 100
DELIVERIES = 1000
SHOWN = 6
SERVICES = ("identity", "resource", "admin", "gateway", "mailer", "webhooks", "console", "oauth")
OPEN = (
    *("/account/sign-up", "/account/log-in", "/account/forgotten-password"),
    *("/account/confirmation-mail", "/accounts/confirmation?confirmation_token=x"),
    "/accounts/password_reset?reset_token=x",
    "/accounts/email_change?email_change_token=x",
    "/accounts/email_reversal?email_reversal_token=x",
    *("/account/log-in/mail", "/account/log-in/code", "/account/log-in/code?log_in_token=x"),
)
OWN = (
    *("/account", "/account/profile", "/account/phones", "/account/documents", "/account/email"),
    *("/account/verification", "/account/password", "/account/second-factor"),
    *("/account/recovery-codes", "/account/passkeys", "/account/trusted-devices"),
    *("/account/applications", "/account/linked-accounts"),
    *("/account/sessions", "/account/api-keys", "/account/activity", "/account/data"),
    *("/account/deletion", "/account/log-out"),
)
CONSOLE = (
    *("/console", "/console/users", "/console/users?q=repeli", "/console/users?state=banned"),
    *("/console/users?q=kar", "/console/users?q=kar&country=DE", "/console/users?first_name=Kaka"),
    *("/console/users?email=nobody@example.com", "/console/users?role=trader&level=3"),
    *("/console/users?page=2000", "/console/users?order_by=email&country=FR"),
    *("/console/users?order_by=updated_at&ordering=desc", "/console/users/{uid}"),
    *("/console/reviews", "/console/permissions", "/console/restrictions"),
    "/console/permissions?role=support&verb=GET&path=api/v2/barong/admin/users",
    *("/console/activities/users", "/console/activities/administrators", "/console/webhooks"),
    *("/console/activities/users?uid={uid}", "/console/activities/users?result=failed"),
    "/console/activities/users?topic=otp&page=20",
    *("/console/dead-letters", "/console/dead-letters/mailer-svc", "/console/signing-keys"),
)
FULL = (
    *("/console/webhooks?page=10", "/console/webhooks/{endpoint}/deliveries"),
    *("/console/dead-letters/mailer-svc/contents?id=letter-1", "/account/sessions?page=3"),
)
"""Pages that are there only when lists are full."""
LISTS = (
    *("users", "users?extended=true&country=DE", "users/documents/pending", "users/labels/list"),
    *("users/labels?key=email&value=verified", "users/labels?key=document&value=pending"),
    *("profiles?page=2000", "activities", "activities/admin", "permissions", "restrictions"),
    "metrics",
)
"""Lists of the API for administrators, of a hundred records each."""
_RESTRICTIONS = """
    INSERT INTO admin.restrictions (category, scope, value, state, code)
    SELECT 'blacklist', 'ip', '2001:db8::' || n, 'disabled', 401
    FROM generate_series(1, 200) AS n
"""
"""Lists of the console are full: permissions come with the installation."""
_ENDPOINT = """
    INSERT INTO webhooks.endpoints (url, description, events, state, secret)
    SELECT rpad('https://example.com/' || n || '/', 2048, 'x'), repeat('x', 500),
        ARRAY['model.user.*', 'model.label.*', 'model.phone.*', 'model.profile.*'], 'disabled', $1
    FROM generate_series(1, $2) AS n
    RETURNING id
"""
_DELIVERIES = """
    INSERT INTO webhooks.deliveries (endpoint_id, event_id, name, payload, state, status, ended_at)
    SELECT id, gen_random_uuid(), 'model.user.updated', '{}', 'delivered', 200, now()
    FROM webhooks.endpoints, generate_series(1, $2) AS n
    WHERE id = $1
"""
_SESSIONS = """
    INSERT INTO identity.sessions (
        sid, key, csrf_digest, uid, user_agent, address, network, expires_at, absolute_expires_at
    )
    SELECT gen_random_uuid(), gen_random_uuid(), '', uid, repeat('x', 512),
        '2001:db8:1111:2222:3333:4444:5555:6666', '2001:db8:1111:2222::/64',
        now() + interval '1 day', now() + interval '1 day'
    FROM identity.users, generate_series(1, $2) AS n
    WHERE email = $1
"""
_USER = {
    "uid": "ID0000100007",
    "email": "member@example.com",
    "role": "member",
    "level": 3,
    "otp": True,
    "state": "active",
    "referral_uid": None,
    "data": '{"language": "en"}',
    "labels": [
        {"key": key, "value": "verified", "scope": "private", "description": None}
        for key in ("email", "phone", "profile", "document")
    ],
    "profiles": [
        {
            "first_name": "Ada",
            "last_name": "Byron",
            "dob": "1990-12-10",
            "country": "GB",
            "address": "12 St James's Square",
            "postcode": "SW1Y 4JH",
            "city": "London",
            "state": "verified",
            "author": "ID0000100007",
            "metadata": "{}",
        }
    ],
    "phones": [{"country": "GB", "number": "447700900123", "validated_at": "2026-11-30T12:00:00Z"}],
}
"""The record of an event about a user who has everything."""
_ENTRY = re.compile(r'\{"request_id":"(\w+)","milliseconds":([0-9.]+),')
"""The begin of a line of the access log; calls that a page makes have the page's request id."""
_PART = re.compile(r'(?:href|src)="(/console-static/[^"]+)"')


def rows() -> Iterator[Row]:
    """One visitor page by page, then several at once; the gateway is compiled, as in its image.

    The time of a page is that of the gateway's access log: from the request to the last byte, with
    every call of the API that the page makes. The size of a page is that of its first load, headers
    of answers and its own files included. Everything is on one machine, where the system goes first
    if this process may arrange that.
    """
    with installed(**PRODUCTION) as made:
        bench = with_compiled_gateway(made)
        with _running(bench):
            member_of(bench)
            alone = asyncio.run(_alone(bench))
        asyncio.run(_filled(bench))
        with _running(bench) as processes:
            yield from asyncio.run(_measured(bench, processes, alone))


@contextmanager
def _running(bench: Bench) -> Iterator[list[psutil.Process]]:
    """All services; their processes, and those of PostgreSQL."""
    with ExitStack() as stack:
        processes = [stack.enter_context(bench.process(name)) for name in SERVICES]
        for name in SERVICES:
            bench.wait(name)
        yield [*processes, *postgres_of(bench.folder)]


async def _filled(bench: Bench) -> None:
    async with bench.database.connected() as tables:
        # The member's profile has the first id, which the first generated one gets.
        await tables.execute("TRUNCATE admin.profile_positions")
    await fill(bench)
    await generate_activities(bench.database, USERS)
    async with bench.database.connected() as tables:
        await tables.execute(_RESTRICTIONS)
        await tables.execute(_SESSIONS, SUPERADMIN, SESSIONS)
        secret = Seal(KeyRing.parse(bench.system.environments["webhooks"]["BARONG_MASTER_KEYS"]))
        endpoint = await tables.fetchval(_ENDPOINT, secret.close(new_secret()), ENDPOINTS)
        await tables.execute(_DELIVERIES, endpoint, DELIVERIES)
    (mailer,) = (each for each in SUBSCRIPTIONS if each.queue == "mailer-svc")
    url = bench.system.environments["mailer"]["AMQP_URL"]
    async with connected(url, "bench") as connection:
        channel = await connection.channel()
        await declare_topology(channel)
        for number in range(LETTERS):
            await channel.default_exchange.publish(_letter(number), mailer.dead_letters)


def _letter(number: int) -> aio_pika.Message:
    """An event about a user that mailer-svc could not handle."""
    event = {"name": "model.user.updated", "record": _USER, "changes": _USER}
    claims = json.dumps({"event": event, "iat": 1_790_000_000}).encode()
    payload = urlsafe_b64encode(claims).decode().rstrip("=")
    return aio_pika.Message(
        json.dumps({"payload": payload}).encode(),
        delivery_mode=2,
        message_id=f"letter-{number}",
        type="model.user.updated",
    )


async def _alone(bench: Bench) -> Mapping[str, float]:
    """The median time of pages with nobody but the member in the directory."""
    async with bench.database.connected() as tables, _visitor(bench) as visitor:
        paths = await _of_staff(visitor, tables)
        await _visit(visitor, paths, 0)  # makes connections, too
        with precedence():
            loads = await _visit(visitor, paths, FEWER_TIMES)
    times = await _times(bench, loads)
    return {path: statistics.median(each) for path, each in times.items()}


async def _measured(
    bench: Bench, processes: Sequence[psutil.Process], alone: Mapping[str, float]
) -> list[Row]:
    async with bench.database.connected() as tables, AsyncExitStack() as stack:
        visitors = [
            await stack.enter_async_context(_visitor(bench, number)) for number in range(AT_ONCE)
        ]
        first = visitors[0]
        await _visit(first, OPEN, 0)
        with precedence():
            loads = await _visit(first, OPEN, TIMES)
        paths = await _of_staff(first, tables)
        await _visit(first, (*paths, *LISTS), 0)
        with precedence() as goes_first:
            before = cpu_seconds(processes)
            loads += await _visit(first, paths, TIMES)
            cost = (cpu_seconds(processes) - before) / (len(paths) * (TIMES + 1)) * 1000
            lists = await _visit(first, LISTS, TIMES)
        for visitor in visitors[1:]:
            await _log_in(visitor)
        with precedence():
            crowd = await asyncio.gather(
                *(_visit(v, paths[n * 7 :] + paths[: n * 7], 3) for n, v in enumerate(visitors))
            )
    times = await _times(bench, loads)
    of_lists = {path: percentile(each, 0.95) for path, each in (await _times(bench, lists)).items()}
    p95 = {path: percentile(each, 0.95) for path, each in times.items()}
    p50 = {path: percentile(each, 0.5) for path, each in times.items()}
    sizes: dict[str, float] = {}
    for load in loads:
        sizes[load.path] = max(sizes.get(load.path, 0), load.size / 1000)
    together = [
        each
        for visited in crowd
        for found in (await _times(bench, visited)).values()
        for each in found
    ]
    multiples = [p50[path] / median for path, median in alone.items()]
    slowest = _most(p95)
    return [
        Row("the system goes before others on this machine", float(goes_first), "(1 is yes)"),
        Row(
            f"slowest of {len(p95)} pages, p95, beside {USERS:,} users",
            p95[slowest[0]],
            "ms",
            PAGE_MS,
        ),
        *(
            Row(f"  {path[:46]} (p50 {p50[path]:.1f})", p95[path], "ms", PAGE_MS)
            for path in slowest
        ),
        Row(
            "all pages, p95",
            percentile([t for each in times.values() for t in each], 0.95),
            "ms",
            PAGE_MS,
        ),
        *(Row(f"  admin/{path}", of_lists[path], "ms", PAGE_MS) for path in _most(of_lists)),
        Row(
            "a page, as a multiple of the same with an empty directory",
            statistics.median(multiples),
            "times",
            OF_EMPTY,
        ),
        Row(f"all pages, {AT_ONCE} visitors at once, p50", percentile(together, 0.5), "ms"),
        Row(f"all pages, {AT_ONCE} visitors at once, p95", percentile(together, 0.95), "ms"),
        Row("processor time of a page, all services and PostgreSQL", cost, "ms"),
        Row("largest first load of a page", max(sizes.values()), "kB", PAGE_KB),
        *(Row(f"  {path[:58]}", sizes[path], "kB", PAGE_KB) for path in _most(sizes)[:SHOWN]),
    ]


def _most(values: Mapping[str, float]) -> list[str]:
    return sorted(values, key=lambda path: -values[path])


@dataclass(frozen=True, slots=True)
class _Load:
    """One load of a page: the id of its request, and the bytes of a first load."""

    path: str
    request_id: str
    size: int


async def _visit(http: aiohttp.ClientSession, paths: Sequence[str], times: int) -> list[_Load]:
    """All pages in turn, so many times, no faster than one visitor may (`routes.yaml`)."""
    parts: dict[str, int] = {}
    loads = []
    for number in range(times + 1):
        for path in paths:
            begun = time.monotonic()
            address = path if path.startswith("/") else f"/api/v2/barong/admin/{path}"
            request_id, size, html = await _fetch(http, address)
            for part in set(_PART.findall(html)):
                if part not in parts:
                    _, parts[part], _ = await _fetch(http, part)
                size += parts[part]
            if number:  # the first one is for the caches
                loads.append(_Load(path, request_id, size))
            await asyncio.sleep(max(0.0, PACE_SECONDS - (time.monotonic() - begun)))
    return loads


async def _fetch(http: aiohttp.ClientSession, path: str) -> tuple[str, int, str]:
    """The request's id, the bytes as a browser gets them, and the text of what is no file."""
    async with http.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
        content = await answer.read()
        assert answer.status == 200, f"{path}: {answer.status}"
        head = sum(len(name) + len(value) + 4 for name, value in answer.raw_headers)
        compressed = "Content-Encoding" in answer.headers
        text = "" if compressed else content.decode()
        return answer.headers["X-Request-Id"], head + len(content), text


async def _times(bench: Bench, loads: Sequence[_Load]) -> dict[str, list[float]]:
    """The milliseconds of these loads by path, from the gateway's access log."""
    log = bench.folder / "gateway.log"

    async def logged() -> dict[str, float] | None:
        found: dict[str, float] = {}
        for line in log.read_text().splitlines():
            if entry := _ENTRY.match(line):  # a page lasts longer than the calls that it makes
                found[entry[1]] = max(found.get(entry[1], 0.0), float(entry[2]))
        return found if all(load.request_id in found for load in loads) else None

    found = await until(logged)
    assert found is not None
    times: dict[str, list[float]] = {load.path: [] for load in loads}
    for load in loads:
        times[load.path].append(found[load.request_id])
    return times


@asynccontextmanager
async def _visitor(bench: Bench, number: int = 0) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser with an address of its own; what is compressed stays so."""
    async with aiohttp.ClientSession(
        bench.system.gateway_url,
        headers={"X-Forwarded-For": f"198.51.100.{number + 1}"},
        cookie_jar=aiohttp.CookieJar(
            unsafe=True, treat_as_secure_origin=[URL(bench.system.gateway_url)]
        ),
        auto_decompress=False,
    ) as http:
        yield http


async def _of_staff(
    http: aiohttp.ClientSession, tables: "asyncpg.Connection[asyncpg.Record]"
) -> list[str]:
    """Logs the visitor in; the pages that they see then."""
    await _log_in(http)
    uid = await _in_directory(tables)
    endpoint = await tables.fetchval("SELECT max(id) FROM webhooks.endpoints")
    paths = (*OWN, *CONSOLE) if endpoint is None else (*OWN, *CONSOLE, *FULL)
    return [path.format(uid=uid, endpoint=endpoint) for path in paths]


async def _log_in(http: aiohttp.ClientSession) -> None:
    """As the superadmin, by the API: the cookie is the same."""
    form = {"email": SUPERADMIN, "password": PASSWORD}
    async with http.post("/api/v2/barong/identity/sessions", data=form) as answer:
        assert answer.status == 201, answer.status


async def _in_directory(tables: "asyncpg.Connection[asyncpg.Record]") -> str:
    """The uid of the member, whom the directory knows by now, with the profile."""

    async def known() -> str:
        uid = await tables.fetchval(
            "SELECT uid FROM admin.users WHERE email = $1 AND names <> ''", EMAIL
        )
        return str(uid or "")

    return await until(known)
