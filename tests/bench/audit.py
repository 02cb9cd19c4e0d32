"""What the audit trail costs an administrator's change, and how fast its chain is followed."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from admin_svc.audit.models import Actor
from deploy.local import postgres
from shared.database.pool import Connection, Database
from tests.bench.row import Row, percentile
from tests.support.admin_features import audit_trail_over
from tests.support.database import template

COUNT = 1500
WRITERS = 8
_ACTOR = Actor("ID0000000001", "admin")
_SAID = {"before": {"state": "active"}, "after": {"state": "banned"}}


def rows() -> Iterator[Row]:
    """Beside a transaction that inserts one row of the same size and chains nothing."""
    with TemporaryDirectory(prefix="barong-bench-") as folder, postgres.server(Path(folder)) as dsn:
        yield from asyncio.run(_measured(dsn))


async def _measured(dsn: str) -> list[Row]:
    database = Database((await template(dsn)).dsns["admin"], "admin")
    async with database.opened():
        async with database.connection() as connection:
            await connection.execute(
                "CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY, said text)"
            )
        plain, plain_rate = await _commits(database, _plain)
        trail = audit_trail_over(database)

        async def entry_of_a_change(connection: Connection) -> None:
            await trail.append(
                connection, "change", "user.state", _ACTOR, _SAID, target_uid="ID0000000002"
            )

        entry, entry_rate = await _commits(database, entry_of_a_change)
        begun = time.perf_counter()
        verified = await audit_trail_over(database).verify()
        followed = verified.entries / (time.perf_counter() - begun)
    return [
        Row("a transaction with one plain row: median", statistics.median(plain), "ms"),
        Row("a transaction with one entry: median", statistics.median(entry), "ms"),
        Row("a transaction with one entry: p95", percentile(entry, 0.95), "ms"),
        Row(
            "of the plain one, the entry costs so many",
            statistics.median(entry) / statistics.median(plain),
            "",
        ),
        Row(f"{WRITERS} at once, plain rows", plain_rate, "/s"),
        Row(f"{WRITERS} at once, entries: one after the other", entry_rate, "/s"),
        Row("entries verified", followed, "/s"),
    ]


async def _commits(
    database: Database, write: Callable[[Connection], Awaitable[object]]
) -> tuple[list[float], float]:
    """How long each of some transactions took, in ms, one by one; and how many a second at once."""
    took: list[float] = []

    async def one() -> None:
        begun = time.perf_counter()
        async with database.transaction() as connection:
            await write(connection)
        took.append((time.perf_counter() - begun) * 1000)

    async def some() -> None:
        for _ in range(COUNT // WRITERS):
            await one()

    await some()
    alone = list(took)
    begun = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(WRITERS)))
    return alone, (len(took) - len(alone)) / (time.perf_counter() - begun)


async def _plain(connection: Connection) -> None:
    await connection.execute("INSERT INTO plain (said) VALUES ($1)", "x" * 300)
