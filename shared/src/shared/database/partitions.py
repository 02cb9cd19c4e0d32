"""Tables that are partitioned by month: partitions are made ahead, and old ones are dropped."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from shared.database.pool import Connection, Database

log = structlog.get_logger()

AHEAD = 3
"""The number of months to come that have a partition; a service that runs makes them."""

_MAKE_SECONDS = 3600.0
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"
"""For statements that lock the table: they give up before the statements that wait behind them."""


class NoPartition(Exception):
    """No partition holds the month of a row; the transaction cannot be used after it."""


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month in UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The month of a moment."""
        here = moment.astimezone(UTC)
        return cls(here.year, here.month)

    @classmethod
    def of_partition(cls, table: str, name: str) -> "Month | None":
        """The month whose partition of the table has this name."""
        match = re.fullmatch(rf"{re.escape(table)}_y(\d{{4,}})m(\d\d)", name)
        return cls(int(match[1]), int(match[2])) if match else None

    def plus(self, months: int) -> "Month":
        """The month so many months later; earlier, if negative."""
        years, month = divmod(self.month - 1 + months, 12)
        return Month(self.year + years, month + 1)

    def partition_of(self, table: str) -> str:
        """The name of the table's partition of this month."""
        return f"{table}_y{self.year:04}m{self.month:02}"

    @property
    def begins(self) -> str:
        """Its first moment, as SQL."""
        return f"'{self.year:04}-{self.month:02}-01 00:00:00+00'"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class MonthlyPartitions:
    """The partitions of one table; writers and readers wait for a moment at most.

    Methods that make or drop partitions raise `Unavailable` while others keep the table locked.
    """

    database: Database
    table: str
    now: Callable[[], datetime] = _now

    async def run(self) -> None:
        """Makes the partitions that will be needed, now and every hour."""
        while True:
            await self.make_ahead()
            await asyncio.sleep(_MAKE_SECONDS)

    async def run_and_drop(self, keep_days: int) -> None:
        """The same; also drops months whose rows are all older than so many days."""
        while True:
            await self.make_ahead()
            await self.drop_before(keep_days)
            await asyncio.sleep(_MAKE_SECONDS)

    async def make_ahead(self) -> list[Month]:
        """Makes the partitions of this month and the next ones; returns those that were missing."""
        current = Month.of(self.now())
        wanted = [current.plus(months) for months in range(AHEAD + 1)]
        return [month for month in wanted if await self.make(month)]

    async def make(self, month: Month) -> bool:
        """Makes the partition of one month; returns False where there was one."""
        async with self.database.transaction() as connection:
            made = await make_partition(connection, self.table, month)
        if made:
            log.info("partition_made", partition=month.partition_of(self.table))
        return made

    async def drop_old(self, keep_months: int) -> list[Month]:
        """Drops months older than this one and the `keep_months` before it; returns them."""
        return await self._drop_older_than(Month.of(self.now()).plus(-keep_months))

    async def drop_before(self, keep_days: int) -> list[Month]:
        """Drops months of which every row is older than so many days; returns them."""
        return await self._drop_older_than(Month.of(self.now() - timedelta(days=keep_days)))

    async def months(self) -> list[Month]:
        """The months that have a partition, in order."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(
                """
                SELECT relname
                FROM pg_inherits
                JOIN pg_class ON pg_class.oid = inhrelid
                WHERE inhparent = $1::text::regclass
                """,
                self.table,
            )
        found = (Month.of_partition(self.table, row["relname"]) for row in rows)
        return sorted(month for month in found if month)

    async def _drop_older_than(self, oldest: Month) -> list[Month]:
        dropped = [month for month in await self.months() if month < oldest]
        for month in dropped:
            async with self.database.transaction() as connection:
                await _one_at_a_time(connection, self.table)
                await connection.execute(
                    f"{_LOCK_TIMEOUT}; DROP TABLE IF EXISTS {month.partition_of(self.table)}"
                )
            log.info("partition_dropped", partition=month.partition_of(self.table))
        return dropped


async def make_partition(connection: Connection, table: str, month: Month) -> bool:
    """Makes the partition of a month, in a transaction; returns False where there is one.

    It is made as a table and then attached: readers and writers do not wait for that. The strongest
    lock is taken first: whoever waits for it, such as a migration, cannot deadlock with this.
    """
    partition = month.partition_of(table)
    await _one_at_a_time(connection, table)
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", partition):
        return False
    await connection.execute(
        f"""
        {_LOCK_TIMEOUT};
        LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE;
        CREATE TABLE {partition} (LIKE {table} INCLUDING ALL);
        ALTER TABLE {table} ATTACH PARTITION {partition}
        FOR VALUES FROM ({month.begins}) TO ({month.plus(1).begins})
        """
    )
    return True


@contextmanager
def missing_partitions() -> Iterator[None]:
    """Raises `NoPartition` where the block inserts a row that no partition holds."""
    try:
        yield
    except asyncpg.CheckViolationError as error:
        if error.constraint_name is not None:
            raise
        raise NoPartition from None


async def _one_at_a_time(connection: Connection, table: str) -> None:
    """Takes the lock on the partitions of the table until the transaction ends."""
    await connection.execute(
        """
        SELECT pg_advisory_xact_lock(
            hashtextextended($1 || ' partitions ' || current_schema(), 0)
        )
        """,
        table,
    )
