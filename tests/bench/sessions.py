"""What active sessions write: how often, how much WAL, and what the sweep of ended ones costs."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import asyncpg

from identity_svc.sessions.store import delete_expired
from shared.clients.identity import IdentityClient
from shared.contracts.services import GATEWAY
from tests.bench.installed import Bench, installed
from tests.bench.row import Row
from tests.support.internal import identity_of

ACTIVE = 200
ASKED_SECONDS = 5
"""How often a gateway asks about a session that is in use."""
ROUNDS = 60 // ASKED_SECONDS
ON_PAPER = 50_000
ALL = 200_000
ENDED = 10_000
_AT_ONCE = 8
_STATISTICS_SECONDS = 11  # an idle process of PostgreSQL reports its counts within ten

_BEFORE = """
    CREATE TABLE sessions_before (LIKE sessions INCLUDING ALL);
    CREATE INDEX sessions_before_expires_at_idx ON sessions_before (expires_at)
"""
"""The table as it was while each answer prolonged its session."""
_PROLONGED_BEFORE = """
    UPDATE sessions_before
    SET expires_at = least(now() + interval '1800 s', absolute_expires_at)
    WHERE key = $1
      AND expires_at > now()
"""
_INSERT = """
    INSERT INTO {table} (
        sid, key, csrf_digest, uid, user_agent, address, network, expires_at, absolute_expires_at
    )
    SELECT
        gen_random_uuid(),
        encode(sha256(number::text::bytea), 'hex'),
        encode(sha256(('csrf' || number)::bytea), 'hex'),
        (SELECT min(uid) FROM users),
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0',
        '198.51.100.7',
        '198.51.0.0/16',
        now() + $3 * interval '1 s' - random() * interval '60 s',
        now() + interval '1 day'
    FROM generate_series($1::int, $2::int) AS number
"""
"""Sessions that have $3 seconds to live, less than a minute of which is used up."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a minute of `ACTIVE` sessions wrote."""

    updates: int
    hot: int
    wal_bytes: int

    def rows(self, when: str) -> Iterator[Row]:
        """Without limits."""
        yield Row(f"{when}: writes per active session and minute", self.updates / ACTIVE, "")
        yield Row(f"{when}: of these HOT", 100 * self.hot / self.updates, "%")
        yield Row(f"{when}: WAL per active session and minute", self.wal_bytes / ACTIVE, "bytes")


def rows() -> Iterator[Row]:
    """A minute of one gateway, beside the same when each answer was a write."""
    with installed() as bench, bench.running("resource", "identity"):
        yield from asyncio.run(_measured(bench))


async def _measured(bench: Bench) -> list[Row]:
    async with (
        bench.database.connected() as connection,
        identity_of(bench.system, GATEWAY) as asked,
    ):
        await connection.execute("ALTER SYSTEM SET autovacuum = off")  # of other tables, mostly
        await connection.execute("SELECT pg_reload_conf()")
        await connection.execute(f"SET search_path = identity; {_BEFORE}")
        for table in ("sessions", "sessions_before"):
            await connection.execute(_INSERT.format(table=table), 1, ACTIVE, 1800)
        now = await _written(connection, "sessions", lambda: _asked_for_a_minute(asked))
        before = await _written(connection, "sessions_before", lambda: _updated(connection))
        writes, megabytes = (
            ON_PAPER * now.updates / ACTIVE / 60,
            ON_PAPER * now.wal_bytes / ACTIVE / 1e6,
        )
        return [
            *before.rows("every answer a write"),
            *now.rows("now"),
            Row("now, of the writes as it was", now.updates / before.updates, "", 0.1),
            Row("now, of the WAL as it was", now.wal_bytes / before.wal_bytes, "", 0.1),
            Row(f"{ON_PAPER} active sessions on paper: writes", writes, "/s"),
            Row(f"{ON_PAPER} active sessions on paper: WAL", megabytes, "MB/min"),
            await _swept(connection),
        ]


async def _written(
    connection: "asyncpg.Connection[asyncpg.Record]",
    table: str,
    work: Callable[[], Awaitable[None]],
) -> Written:
    """By PostgreSQL's own account. No checkpoint falls into it: there are no full pages in WAL."""

    async def updates() -> tuple[int, int]:
        await asyncio.sleep(_STATISTICS_SECONDS)
        row = await connection.fetchrow(
            "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relid = $1::regclass",
            table,
        )
        assert row is not None
        return row["n_tup_upd"], row["n_tup_hot_upd"]

    async def position() -> int:
        return int(await connection.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'"))

    all_before, hot_before = await updates()
    begun = await position()
    await work()
    ended = await position()
    every, hot = await updates()
    return Written(every - all_before, hot - hot_before, ended - begun)


async def _asked_for_a_minute(identity: IdentityClient) -> None:
    """As a gateway asks about sessions that are all in use, evenly spread over its five seconds."""
    begun = time.monotonic()
    lanes = asyncio.Semaphore(_AT_ONCE)

    async def ask(number: int) -> None:
        for turn in range(ROUNDS):
            due = begun + ASKED_SECONDS * (turn + number / ACTIVE)
            await asyncio.sleep(due - time.monotonic())
            async with lanes:
                await identity.resolve_session(_key(number))

    async with asyncio.TaskGroup() as group:
        for number in range(ACTIVE):
            group.create_task(ask(number))


async def _updated(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for number in range(ROUNDS * ACTIVE):
        await connection.execute(_PROLONGED_BEFORE, _key(number % ACTIVE))


async def _swept(connection: "asyncpg.Connection[asyncpg.Record]") -> Row:
    """The sweep without an index on the time at which sessions end."""
    insert = _INSERT.format(table="sessions")
    await connection.execute(insert, ACTIVE + 1, ALL - ENDED, 1800)
    await connection.execute(insert, ALL - ENDED + 1, ALL, -1)
    begun = time.perf_counter()
    await delete_expired(connection)
    milliseconds = (time.perf_counter() - begun) * 1000
    return Row(f"sweep of {ENDED} ended sessions among {ALL}", milliseconds, "ms", 1000)


def _key(number: int) -> str:
    return hashlib.sha256(str(number + 1).encode()).hexdigest()
