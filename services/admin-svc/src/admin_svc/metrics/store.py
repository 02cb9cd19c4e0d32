"""The tables of hourly counts, which triggers fill."""

from datetime import datetime

from admin_svc.metrics.models import WAITING
from shared.database.pool import Connection

_BATCH = 20_000
_ALL = "(SELECT * FROM hourly_counts UNION ALL SELECT * FROM hourly_count_changes) AS counted"


async def select_counts(connection: Connection, since: datetime) -> dict[tuple[datetime, str], int]:
    """The number of each hour and metric, from an hour on."""
    rows = await connection.fetch(
        f"""
        SELECT hour, metric, sum(number)::bigint AS number
        FROM {_ALL}
        WHERE hour >= $1
        GROUP BY hour, metric
        """,
        since,
    )
    return {(row["hour"], row["metric"]): row["number"] for row in rows}


async def first_hour_of_waiting(connection: Connection) -> datetime:
    """The hour since which it is known how many users waited."""
    hour: datetime = await connection.fetchval(
        """
        SELECT hour
        FROM hourly_counts
        WHERE metric = $1
        ORDER BY hour
        LIMIT 1
        """,
        WAITING,
    )
    return hour


async def fold(connection: Connection) -> bool:
    """Adds a batch of changes to the counts; whether more may be left."""
    taken: int = await connection.fetchval(
        """
        WITH taken AS (
            DELETE FROM hourly_count_changes
            WHERE ctid = ANY(ARRAY(SELECT ctid FROM hourly_count_changes LIMIT $1))
            RETURNING *
        ), folded AS (
            INSERT INTO hourly_counts (hour, metric, number)
            SELECT hour, metric, sum(number)
            FROM taken
            GROUP BY hour, metric
            ON CONFLICT (hour, metric) DO UPDATE
            SET number = hourly_counts.number + excluded.number
        )
        SELECT count(*) FROM taken
        """,
        _BATCH,
    )
    return taken == _BATCH
