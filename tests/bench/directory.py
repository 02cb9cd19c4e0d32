"""How fast a directory of a million users (BENCH_USERS) is read, and kept up with its events."""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiohttp
import asyncpg

from admin_svc.directory.models import Cursor, Order
from admin_svc.schema import SCHEMA
from admin_svc.user_counts.use_cases import UserCounts
from shared.database.pool import Database
from tests.bench.generated_directory import generate
from tests.bench.installed import Bench, installed
from tests.bench.row import Row, percentile
from tests.support.system import PASSWORD, SUPERADMIN
from tests.support.waiting import until

USERS = int(os.environ.get("BENCH_USERS", "1000000"))
PAGE_MS = 30
TIMES = 12
BACKLOG = 2000
_PAGE = 5000
_LONG = 600.0
_NOW = datetime.now(UTC)


def _span(**parameters: int | str) -> dict[str, str]:
    """`first` and `last` are days ago."""
    moments = {"from": parameters.pop("first", None), "to": parameters.pop("last", None)}
    days = {n: _NOW - timedelta(days=int(d)) for n, d in moments.items() if d is not None}
    return {
        **{name: str(int(moment.timestamp())) for name, moment in days.items()},
        **{name: str(value) for name, value in parameters.items()},
    }


FILTERS: tuple[Mapping[str, str], ...] = (
    {},
    *({"role": role} for role in ("member", "trader", "support", "admin")),
    *({"state": state} for state in ("active", "pending", "banned")),
    *({"level": level} for level in ("0", "3")),
    {"state": "pending", "level": "3"},
    {"role": "member", "state": "active", "level": "2"},
    {"role": "broker", "state": "locked"},
    *({"country": country} for country in ("DE", "PL", "SE")),
    {"country": "SE", "state": "banned"},
    *({"first_name": name} for name in ("Kaka", "Jenli", "Biri")),
    *({"last_name": name} for name in ("Kakaka", "Hapolve")),
    {"first_name": "Stori", "last_name": "Kakaka"},
    {"uid": "ID0000100007"},
    {"email": "nobody@example.com"},
    _span(first=600, last=235),
    _span(first=600, last=235, country="DE"),
    _span(first=3),
    _span(range="updated", first=30),
    _span(range="updated", first=600, last=235, role="trader"),
    *({"q": q} for q in ("repeli", "hapolve", "soolya", "reja gilg", "kar", "la")),
    {"order_by": "email", "country": "FR"},
    {"order_by": "updated_at", "ordering": "desc", "state": "active"},
    {"extended": "true", "role": "trader"},
)
PENDING: tuple[Mapping[str, str], ...] = ({}, {"country": "DE"}, {"role": "trader"}, {"level": "3"})


def rows() -> Iterator[Row]:
    """One administrator at admin-svc itself; PostgreSQL as it comes, everything on one machine.

    The peer is PostgreSQL itself: what it takes to count the same users.
    """
    with installed() as bench:
        begun = time.perf_counter()
        asyncio.run(fill(bench))
        yield Row(f"directory of {USERS:,} users made", time.perf_counter() - begun, "s")
        with bench.running("identity", "resource"):
            with bench.running("admin"):
                yield from asyncio.run(_read(bench))
            yield from asyncio.run(_caught_up(bench))


async def fill(bench: Bench) -> None:
    """Makes the directory of `USERS`, counted."""
    await generate(bench.database, USERS)
    database = Database(bench.database.dsns["admin"], SCHEMA)
    async with database.opened():
        await UserCounts(database).fold()
    async with bench.database.connected() as connection:
        await connection.execute("VACUUM ANALYZE admin.user_counts", timeout=_LONG)


async def _read(bench: Bench) -> list[Row]:
    slowest: dict[str, float] = {}
    async with _administrator(bench) as http, bench.database.connected() as tables:
        for path, filters in (("users", FILTERS), ("users/documents/pending", PENDING)):
            for params in filters:
                name = " ".join(f"{name}={value}" for name, value in params.items())
                slowest[f"{path} {name}"] = percentile(await _times(http, path, params), 0.95)
        counting = await _counting(tables)
        rows = [
            Row("count(*) of all users, as a query of PostgreSQL", counting, "ms"),
            Row(
                f"first page and total, p95 of {len(slowest)} filters' p95",
                percentile(list(slowest.values()), 0.95),
                "ms",
                PAGE_MS,
            ),
        ]
        rows += [
            Row(f"  {name[:58]}", slowest[name], "ms", PAGE_MS)
            for name in sorted(slowest, key=lambda each: -slowest[each])[:5]
        ]
        return rows + await _paged(http, tables)


async def _paged(
    http: aiohttp.ClientSession, tables: "asyncpg.Connection[asyncpg.Record]"
) -> list[Row]:
    """A page far behind, by number and by cursor."""
    number = min(_PAGE, USERS // 200)
    place = await tables.fetchrow(
        "SELECT created_at, uid FROM admin.users ORDER BY created_at, uid OFFSET $1 LIMIT 1",
        (number - 1) * 100 - 1,
    )
    assert place is not None
    cursor = Cursor(Order(), place["created_at"], place["uid"]).encode()
    first = statistics.median(await _times(http, "users", {}, TIMES * 3))
    far = statistics.median(await _times(http, "users", {"cursor": cursor}, TIMES * 3))
    by_number = statistics.median(await _times(http, "users", {"page": str(number)}))
    return [
        Row("page 1, median", first, "ms"),
        Row(f"page {number} by cursor, median", far, "ms", 2 * first),
        Row(f"page {number} by number, median", by_number, "ms"),
    ]


async def _counting(tables: "asyncpg.Connection[asyncpg.Record]") -> float:
    samples = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        await tables.fetchval("SELECT count(*) FROM admin.users")
        samples.append((time.perf_counter() - begun) * 1000)
    return statistics.median(samples)


async def _caught_up(bench: Bench) -> list[Row]:
    """Two backlogs that waited while admin-svc was away; nobody reads beside the second."""
    async with bench.database.connected() as tables:
        await _publish(tables, 2)
        with bench.running("admin"):
            async with _administrator(bench) as http:
                idle = await _times(http, "users", {"country": "FR"}, 1)
                busy = await _times_until(http, tables, BACKLOG)
                idle = await _times(http, "users", {"country": "FR"}, len(busy))
        await _publish(tables, 3)
        with bench.process("admin") as process:
            bench.wait("admin")
            await _applied(tables, 2 * BACKLOG)
            cpu = process.cpu_times()
        seconds = await tables.fetchval(
            """
            SELECT extract(epoch FROM max(received_at) - min(received_at))::float
            FROM (SELECT received_at FROM admin.inbox ORDER BY received_at DESC LIMIT $1) AS last
            """,
            BACKLOG,
        )
    rate = BACKLOG / seconds
    peer, median = statistics.median(idle), statistics.median(busy)
    return [
        Row(f"backlog of {BACKLOG} changes caught up", rate, "/s"),
        Row("  a change, from event to commit", 1000 / rate, "ms"),
        Row(
            "  a change, processor time of admin-svc, its start included",
            (cpu.user + cpu.system) * 1000 / BACKLOG,
            "ms",
        ),
        Row("first page, nothing else done, median", peer, "ms"),
        Row("first page while a backlog is caught up, median", median, "ms", PAGE_MS),
        Row("  as a multiple of that when nothing else is done", median / peer, "times"),
    ]


async def _publish(tables: "asyncpg.Connection[asyncpg.Record]", version: int) -> None:
    """Has identity-svc tell of changes to random users; returns when the broker has them."""
    await tables.execute(
        """
        INSERT INTO identity.outbox (event_id, name, record, snapshot)
        SELECT
            gen_random_uuid(), 'model.user.updated', jsonb_build_object('uid', uid),
            to_jsonb(told) - 'facets' - 'names' - 'waiting_since' || jsonb_build_object(
                'version', $2::bigint, 'level', ($2 + level) % 4, 'updated_at', now()
            )
        FROM admin.users AS told
        ORDER BY hashtext(uid)
        LIMIT $1
        """,
        BACKLOG,
        version,
        timeout=_LONG,
    )

    async def all_published() -> bool:
        return not await tables.fetchval(
            "SELECT EXISTS (SELECT FROM identity.outbox WHERE published_at IS NULL)"
        )

    await until(all_published, 120)


async def _applied(tables: "asyncpg.Connection[asyncpg.Record]", count: int) -> None:
    async def all_applied() -> bool:
        return bool(await tables.fetchval("SELECT count(*) FROM admin.inbox") >= count)

    await until(all_applied, 120)


async def _times_until(
    http: aiohttp.ClientSession, tables: "asyncpg.Connection[asyncpg.Record]", count: int
) -> list[float]:
    """How long first pages take until so many changes are applied."""
    samples: list[float] = []
    applied = asyncio.create_task(_applied(tables, count))
    while not applied.done():
        samples += await _times(http, "users", {"country": "FR"}, 1)
        await asyncio.sleep(0.01)
    await applied
    return samples


async def _times(
    http: aiohttp.ClientSession, path: str, params: Mapping[str, str], times: int = TIMES
) -> list[float]:
    """Milliseconds from call to answer; the first one is for the caches."""
    samples = []
    for _ in range(times + 1):
        begun = time.perf_counter()
        async with http.get(f"/api/v2/admin/{path}", params=params) as answer:
            await answer.read()
            assert answer.status == 200, await answer.text()
        samples.append((time.perf_counter() - begun) * 1000)
    return samples[1:]


@asynccontextmanager
async def _administrator(bench: Bench) -> AsyncIterator[aiohttp.ClientSession]:
    """Calls admin-svc as the superadmin."""
    async with aiohttp.ClientSession(bench.system.public_url("identity")) as http:
        form = {"email": SUPERADMIN, "password": PASSWORD}
        async with http.post("/api/v2/identity/sessions", data=form) as answer:
            headers = {"Authorization": answer.headers["Authorization"]}
    async with aiohttp.ClientSession(bench.system.public_url("admin"), headers=headers) as http:
        yield http
