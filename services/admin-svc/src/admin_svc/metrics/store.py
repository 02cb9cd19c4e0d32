"""The table of daily counts."""

from datetime import date

from shared.database.pool import Connection

_SLOTS = 8


async def count(connection: Connection, day: date, metric: str) -> None:
    """Counts one more."""
    await connection.execute(
        f"""
        INSERT INTO daily_counts (day, metric, slot, number)
        VALUES ($1, $2, pg_backend_pid() % {_SLOTS}, 1)
        ON CONFLICT (day, metric, slot) DO UPDATE
        SET number = daily_counts.number + 1
        """,
        day,
        metric,
    )


async def counts(connection: Connection, first: date, last: date) -> list[tuple[date, str, int]]:
    """Day, metric and number of everything that was counted in these days, in their order."""
    rows = await connection.fetch(
        """
        SELECT day, metric, sum(number)::bigint AS number
        FROM daily_counts
        WHERE day BETWEEN $1 AND $2
        GROUP BY day, metric
        ORDER BY day
        """,
        first,
        last,
    )
    return [(row["day"], row["metric"], row["number"]) for row in rows]
