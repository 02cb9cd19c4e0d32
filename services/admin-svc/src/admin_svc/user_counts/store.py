"""SQL of the counts of users."""

from typing import Any

from admin_svc.user_counts.models import CountedUsers, Weeks
from shared.database.pool import Connection

_BATCH = 20_000


async def count(connection: Connection, users: CountedUsers, weeks: Weeks) -> int:
    """The number of users in these weeks."""
    total: int = await connection.fetchval(
        """
        SELECT coalesce(sum(users), 0)::bigint
        FROM (SELECT * FROM user_counts UNION ALL SELECT * FROM user_count_changes) AS counted
        WHERE clock = $1
          AND country = $2
          AND ($3::date IS NULL OR week >= $3)
          AND ($4::date IS NULL OR week < $4)
          AND ($5::text IS NULL OR role = $5)
          AND ($6::text IS NULL OR state = $6)
          AND ($7::integer IS NULL OR level = $7)
          AND ($8 IS FALSE OR waiting)
        """,
        users.clock,
        users.country or "",
        weeks.first,
        weeks.last,
        users.role,
        users.state,
        users.level,
        users.waiting,
    )
    return total


async def tally(connection: Connection, name: str) -> int:
    """The number of users with a facet that is tallied, or of all `profiles`."""
    number: int = await connection.fetchval(
        """
        SELECT coalesce(sum(number), 0)::bigint
        FROM (SELECT * FROM tallies UNION ALL SELECT * FROM tally_changes) AS tallied
        WHERE name = $1
        """,
        name,
    )
    return number


async def label_facets(connection: Connection, scope: str) -> dict[str, int]:
    """The number of users with each label of a scope, by facet, in order.

    An index finds the names between `scope:` and `scope;`, the sign that follows the colon.
    """
    rows = await connection.fetch(
        """
        SELECT name, sum(number)::bigint AS number
        FROM (SELECT * FROM tallies UNION ALL SELECT * FROM tally_changes) AS tallied
        WHERE name >= $1
          AND name < $2
        GROUP BY name
        HAVING sum(number) > 0
        ORDER BY name
        """,
        f"{scope}:",
        f"{scope};",
    )
    return {row["name"]: row["number"] for row in rows}


async def fold(connection: Connection) -> bool:
    """Adds a batch of changes to the counts; whether more may be left."""
    users: int = await connection.fetchval(
        """
        WITH taken AS (
            DELETE FROM user_count_changes
            WHERE ctid = ANY(ARRAY(SELECT ctid FROM user_count_changes LIMIT $1))
            RETURNING *
        ), folded AS (
            INSERT INTO user_counts
            SELECT clock, country, week, role, state, level, waiting, sum(users)
            FROM taken
            GROUP BY 1, 2, 3, 4, 5, 6, 7
            HAVING sum(users) <> 0
            ON CONFLICT ON CONSTRAINT user_counts_pkey DO UPDATE
            SET users = user_counts.users + excluded.users
        )
        SELECT count(*) FROM taken
        """,
        _BATCH,
    )
    others: Any = await connection.fetchrow(
        """
        WITH taken AS (
            DELETE FROM tally_changes
            WHERE ctid = ANY(ARRAY(SELECT ctid FROM tally_changes LIMIT $1))
            RETURNING *
        ), folded AS (
            INSERT INTO tallies
            SELECT name, sum(number)
            FROM taken
            GROUP BY name
            HAVING sum(number) <> 0
            ON CONFLICT (name) DO UPDATE
            SET number = tallies.number + excluded.number
            RETURNING name, number
        )
        SELECT
            (SELECT count(*) FROM taken) AS taken,
            ARRAY(SELECT name FROM folded WHERE number = 0) AS emptied
        """,
        _BATCH,
    )
    if others["emptied"]:  # users choose their labels: nothing stays of one that nobody has
        await connection.execute(
            """
            DELETE FROM tallies
            WHERE name = ANY($1)
            """,
            others["emptied"],
        )
    return _BATCH in (users, others["taken"])
