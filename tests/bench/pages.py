"""How soon console-svc answers its pages beside a directory of a million users, and their sizes."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import asyncpg
import psutil

from tests.bench.directory import USERS, fill
from tests.bench.installed import Bench, installed
from tests.bench.member import EMAIL, member_of
from tests.bench.row import Row, percentile
from tests.bench.users_me import cpu_seconds, postgres_of
from tests.support.system import PASSWORD, SUPERADMIN
from tests.support.waiting import until

PAGE_MS = 50
PAGE_KB = 60
TIMES = 20
PACE_SECONDS = 0.06
SHOWN = 6
SERVICES = ("identity", "resource", "admin", "gateway", "mailer", "webhooks", "console")
OPEN = (
    *("/account/sign-up", "/account/log-in", "/account/forgotten-password"),
    *("/account/confirmation-mail", "/accounts/confirmation?confirmation_token=x"),
    "/accounts/password_reset?reset_token=x",
    "/accounts/email_change?email_change_token=x",
    "/accounts/email_reversal?email_reversal_token=x",
)
OWN = (
    *("/account", "/account/profile", "/account/phones", "/account/documents", "/account/email"),
    *("/account/verification", "/account/password", "/account/second-factor"),
    *("/account/recovery-codes", "/account/passkeys", "/account/trusted-devices"),
    *("/account/sessions", "/account/api-keys", "/account/activity", "/account/data"),
    *("/account/deletion", "/account/log-out"),
)
CONSOLE = (
    *("/console", "/console/users", "/console/users?q=repeli", "/console/users?state=banned"),
    *("/console/users?q=kar&country=DE", "/console/users?page=2000", "/console/users/{uid}"),
    *("/console/reviews", "/console/permissions", "/console/restrictions"),
    "/console/permissions?role=support&verb=GET&path=api/v2/barong/admin/users",
    *("/console/activities/users", "/console/activities/administrators", "/console/webhooks"),
    *("/console/dead-letters", "/console/dead-letters/mailer-svc", "/console/signing-keys"),
)
_RESTRICTIONS = """
    INSERT INTO admin.restrictions (category, scope, value, state, code)
    SELECT 'blacklist', 'ip', '2001:db8::' || n, 'disabled', 401
    FROM generate_series(1, 200) AS n
"""
"""Lists of the console are full: permissions come with the installation."""
_PART = re.compile(r'(?:href|src)="(/console-static/[^"]+)"')


def rows() -> Iterator[Row]:
    """One visitor at the gateway, page by page; everything on one machine, nothing compiled.

    The time is from the request to the last byte: the page and every call of the API that it makes.
    The size of a page is that of its first load, headers of answers and its own files included.
    """
    with installed() as bench, ExitStack() as stack:
        asyncio.run(fill(bench))
        processes = [stack.enter_context(bench.process(name)) for name in SERVICES]
        for name in SERVICES:
            bench.wait(name)
        member_of(bench)
        yield from asyncio.run(_measured(bench, [*processes, *postgres_of(bench.folder)]))


async def _measured(bench: Bench, processes: Sequence[psutil.Process]) -> list[Row]:
    async with bench.database.connected() as tables, _visitor(bench) as http:
        await tables.execute(_RESTRICTIONS)
        before = cpu_seconds(processes)
        samples = await _visit(http, OPEN)
        await _log_in(http)
        uid = await _in_directory(tables)
        samples |= await _visit(http, [path.format(uid=uid) for path in (*OWN, *CONSOLE)])
    loads = len(samples) * (TIMES + 1)
    cost = (cpu_seconds(processes) - before) / loads * 1000
    times = {path: percentile([each.ms for each in made], 0.95) for path, made in samples.items()}
    sizes = {path: max(each.size for each in made) / 1000 for path, made in samples.items()}
    what = f"slowest of {len(times)} pages, p95, beside {USERS:,} users"
    return [
        Row(what, max(times.values()), "ms", PAGE_MS),
        *(Row(f"  {path[:58]}", times[path], "ms", PAGE_MS) for path in _most(times)),
        Row("processor time of a page, all services and PostgreSQL", cost, "ms"),
        Row("largest first load of a page", max(sizes.values()), "kB", PAGE_KB),
        *(Row(f"  {path[:58]}", sizes[path], "kB", PAGE_KB) for path in _most(sizes)),
    ]


def _most(values: Mapping[str, float]) -> list[str]:
    return sorted(values, key=lambda path: -values[path])[:SHOWN]


@dataclass(frozen=True, slots=True)
class _Load:
    """One load of a page: milliseconds, and the bytes of a first load."""

    ms: float
    size: int


async def _visit(http: aiohttp.ClientSession, paths: Sequence[str]) -> dict[str, list[_Load]]:
    """All pages in turn, `TIMES` times, no faster than one visitor may (`routes.yaml`)."""
    parts: dict[str, int] = {}
    made: dict[str, list[_Load]] = {path: [] for path in paths}
    for number in range(TIMES + 1):
        for path in paths:
            begun = time.perf_counter()
            size, html = await _fetch(http, path)
            seconds = time.perf_counter() - begun
            for part in set(_PART.findall(html)):
                if part not in parts:
                    parts[part], _ = await _fetch(http, part)
                size += parts[part]
            if number:  # the first one is for the caches
                made[path].append(_Load(seconds * 1000, size))
            await asyncio.sleep(max(0.0, PACE_SECONDS - seconds))
    return made


async def _fetch(http: aiohttp.ClientSession, path: str) -> tuple[int, str]:
    """The bytes of an answer as a browser gets it, and its text if it is no compressed file."""
    async with http.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
        content = await answer.read()
        assert answer.status == 200, f"{path}: {answer.status}"
        head = sum(len(name) + len(value) + 4 for name, value in answer.raw_headers)
        compressed = "Content-Encoding" in answer.headers
        return head + len(content), "" if compressed else content.decode()


@asynccontextmanager
async def _visitor(bench: Bench) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser: what is compressed stays so."""
    async with aiohttp.ClientSession(
        bench.system.gateway_url,
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        auto_decompress=False,
    ) as http:
        yield http


async def _log_in(http: aiohttp.ClientSession) -> None:
    """As the superadmin, by the API: the cookie is the same."""
    form = {"email": SUPERADMIN, "password": PASSWORD}
    async with http.post("/api/v2/barong/identity/sessions", data=form) as answer:
        assert answer.status == 201, answer.status


async def _in_directory(tables: "asyncpg.Connection[asyncpg.Record]") -> str:
    """The uid of the member, whom the directory knows by now."""

    async def known() -> str:
        uid = await tables.fetchval("SELECT uid FROM admin.users WHERE email = $1", EMAIL)
        return str(uid or "")

    return await until(known)
