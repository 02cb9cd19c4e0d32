"""What auditing a call costs, how fast the log is written, searched and exported."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime

import aio_pika
import asyncpg
import psutil

from admin_svc.activities.partitions import TABLE
from shared.database.partitions import Month, MonthlyPartitions
from shared.database.pool import Database
from shared.messaging.broker import connected
from tests.bench.installed import Bench, installed
from tests.bench.row import Row, percentile
from tests.support.client import Client
from tests.support.waiting import until

AUDITED = 2000
AT_ONCE = 32
ROWS = 200_000
MONTHS = 24
MEGABYTES = 16
PAGE_MS = 30
LOG = "/api/v2/barong/admin/activities"
DECISION = "/api/v2/auth/api/v2/barong/admin/permissions"


def rows() -> Iterator[Row]:
    """Everything shares the cores: the services, PostgreSQL, RabbitMQ and who calls."""
    with ExitStack() as stack:
        bench = stack.enter_context(installed())
        admin_svc = stack.enter_context(bench.process("admin"))
        stack.enter_context(bench.running("identity", "resource"))
        bench.wait("admin")
        stack.enter_context(bench.running("gateway"))
        yield from asyncio.run(_measured(bench, admin_svc))


async def _measured(bench: Bench, admin_svc: psutil.Process) -> list[Row]:
    async with Client(bench.system) as admin, _tables(bench) as tables:
        await admin.log_in_as_superadmin()
        return [
            *await _audited(bench, admin, tables),
            *await _searched(bench, admin, tables),
            *await _exported(admin, admin_svc),
        ]


async def _audited(
    bench: Bench, admin: Client, tables: "asyncpg.Connection[asyncpg.Record]"
) -> list[Row]:
    await _calls(admin, "POST", AT_ONCE)
    plain, plain_times = await _calls(admin, "GET", AUDITED)
    before = await tables.fetchval("SELECT count(*) FROM admin.activities")
    begun = time.perf_counter()
    rate, times = await _calls(admin, "POST", AUDITED)

    async def all_kept() -> bool:
        kept = await tables.fetchval("SELECT count(*) FROM admin.activities")
        return bool(kept >= before + AUDITED)

    await until(all_kept, 60)
    stored = AUDITED / (time.perf_counter() - begun)
    bare = await _bare_confirms(bench)
    return [
        Row(f"decisions that are not audited, {AT_ONCE} at once", plain, "/s"),
        Row("the same, p50", percentile(plain_times, 0.5), "ms"),
        Row("bare confirmed publishes, as many at once", bare, "/s"),
        Row("decisions that are audited", rate, "/s", 0.5 * min(bare, plain), "at least"),
        Row("the same, p50", percentile(times, 0.5), "ms"),
        Row("audits kept by admin-svc meanwhile and after", stored, "/s"),
    ]


async def _calls(admin: Client, method: str, count: int) -> tuple[float, list[float]]:
    """Rate of so many decisions, and how long each took, ms."""
    times: list[float] = []
    numbers = iter(range(count))

    async def caller() -> None:
        for _ in numbers:
            begun = time.perf_counter()
            answer = await admin.call(method, DECISION)
            times.append((time.perf_counter() - begun) * 1000)
            assert answer.status == 200, answer

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    return count / (time.perf_counter() - begun), times


async def _bare_confirms(bench: Bench) -> float:
    """The peer: what the broker confirms of messages of that size on one channel."""
    url = bench.system.environments["gateway"]["AMQP_URL"]
    async with connected(url, "bench") as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(
            "bench", durable=True, arguments={"x-queue-type": "quorum"}
        )
        numbers = iter(range(AUDITED))

        async def publisher() -> None:
            for _ in numbers:
                message = aio_pika.Message(bytes(700), delivery_mode=2)
                await channel.default_exchange.publish(message, queue.name)

        begun = time.perf_counter()
        await asyncio.gather(*(publisher() for _ in range(AT_ONCE)))
        rate = AUDITED / (time.perf_counter() - begun)
        await channel.queue_delete(queue.name)
        return rate


async def _searched(
    bench: Bench, admin: Client, tables: "asyncpg.Connection[asyncpg.Record]"
) -> list[Row]:
    await _partitions(bench)
    rate = await _inserted(tables, 0)
    rows = [Row(f"{ROWS} rows inserted by one statement", rate, "/s")]
    rows += await _first_pages(admin, f"{ROWS} of a month")
    await _inserted(tables, MONTHS)
    return rows + await _first_pages(admin, f"{2 * ROWS} of {MONTHS} months")


async def _partitions(bench: Bench) -> None:
    """Those of the months that are gone."""
    database = Database(bench.system.environments["admin"]["DATABASE_URL"], "admin")
    async with database.opened():
        for ago in range(MONTHS + 1):
            await MonthlyPartitions(database, TABLE).make(Month.of(datetime.now(UTC)).plus(-ago))


async def _inserted(tables: "asyncpg.Connection[asyncpg.Record]", months: int) -> float:
    """Inserts activities of so many months, or of half an hour; how many a second."""
    seconds = months * 30 * 86_400 or ROWS / 100
    begun = time.perf_counter()
    await tables.execute(
        f"""
        INSERT INTO admin.activities (
            id, created_at, category, uid, topic, action, result, user_ip, user_agent, data
        )
        SELECT gen_random_uuid(), now() - make_interval(secs => number * {seconds / ROWS}), 'user',
               'ID' || number % 5000, (ARRAY['session', 'otp', 'password'])[1 + number % 3],
               CASE WHEN number % 97 = 0 THEN 'logout' ELSE 'login' END,
               CASE WHEN number % 10 = 0 THEN 'failed' ELSE 'succeed' END,
               '198.51.100.7', repeat('x', 100), NULL
        FROM generate_series(1, {ROWS}) AS number
        """
    )
    rate = ROWS / (time.perf_counter() - begun)
    await tables.execute("VACUUM ANALYZE admin.activities")
    return rate


async def _first_pages(admin: Client, what: str) -> list[Row]:
    rows = []
    searches: dict[str, dict[str, str]] = {
        "all": {},
        "by topic": {"topic": "otp"},
        "by user": {"uid": "ID77"},
        "by result": {"result": "failed"},
        "by topic and rare action": {"topic": "otp", "action": "logout"},
        "by topic, action and time": {"topic": "otp", "action": "login", "from": "1700000000"},
    }
    for name, params in searches.items():
        times = []
        for _ in range(60):
            begun = time.perf_counter()
            answer = await admin.get(LOG, params=params)
            times.append((time.perf_counter() - begun) * 1000)
            assert answer.status == 200
        rows.append(
            Row(f"first page of {what}, {name}, p95", percentile(times, 0.95), "ms", PAGE_MS)
        )
    return rows


async def _exported(admin: Client, admin_svc: psutil.Process) -> list[Row]:
    rows = []
    for form in ("csv", "jsonl"):
        await _export(admin, form, "ID77")
        before = admin_svc.memory_info().rss
        begun = time.perf_counter()
        lines, most = await _export(admin, form, "", admin_svc)
        rate = lines / (time.perf_counter() - begun)
        rows.append(Row(f"exported as {form}, through the gateway", rate, "rows/s"))
        grown = (most - before) / 2**20
        rows.append(Row(f"exported as {form}, memory grown by", grown, "MB", MEGABYTES))
    return rows


async def _export(
    admin: Client, form: str, uid: str, watched: psutil.Process | None = None
) -> tuple[int, int]:
    """Lines of an export, and the most memory that the watched process was seen to have."""
    lines = most = 0
    async with admin.streamed(LOG, {"uid": uid, "format": form}) as response:
        async for chunk in response.content.iter_any():
            lines += chunk.count(b"\n")
            most = max(most, watched.memory_info().rss if watched else 0)
    return lines, most


@asynccontextmanager
async def _tables(bench: Bench) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(bench.database.dsn)
    try:
        yield connection
    finally:
        await connection.close()
