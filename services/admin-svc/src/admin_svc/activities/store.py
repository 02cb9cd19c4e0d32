"""The tables of activities and of their daily counts."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, NamedTuple

from admin_svc.activities.models import ActivityFilter, Position
from shared.contracts.activities import CATEGORIES, Activity, Category, StoredActivity
from shared.database.partitions import missing_partitions
from shared.database.pool import Connection

_COLUMNS = (
    "id, created_at, category, uid, target_uid, topic, action, result, user_ip, user_agent, data"
)
_CONDITIONS = {
    "category": "category = ${}",
    "uids": "uid = ANY(${})",
    "topic": "topic = ${}",
    "action": "action = ${}",
    "result": "result = ${}",
    "target_uid": "target_uid = ${}",
    "created_from": "created_at >= ${}",
    "created_to": "created_at < ${}",
}
"""The condition of each field of a filter; a statement has those of the fields that are set."""

_ERASED = "EXISTS (SELECT FROM erased_users WHERE erased_users.uid IN ({}))"
"""The directory's table, read in the statement that inserts: between two statements an erasure
could set its mark and miss the activity."""

_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"
"""For statements that lock all activities: they give up before statements that wait for them."""

_COUNT_SLOTS = 8
"""The rows of one count, so that writers seldom wait for each other."""


class Walk(NamedTuple):
    """A walk through activities that hold personal data of a user, as SQL."""

    category: Category
    who: str
    erased: str
    personal: str


WALKS = tuple(
    Walk(category, *walk)
    for category in CATEGORIES
    for walk in (
        (
            "uid",
            "user_ip = '', user_agent = '', data = NULL",
            "user_ip <> '' OR user_agent <> '' OR data IS NOT NULL",
        ),
        ("target_uid", "data = NULL", "data IS NOT NULL"),
    )
)
"""The walks through what a user did, and what others did that concerns the user."""


async def insert_activities(
    connection: Connection, activities: Sequence[Activity]
) -> set[uuid.UUID]:
    """Stores activities; returns the ids of those that were not stored before.

    Late activities of an erased user are stored without personal data, as an erasure leaves them.

    Raises `NoPartition`, and then stores none; the transaction cannot be used after it.
    """
    columns = _COLUMNS.split(", ")
    with missing_partitions():
        rows = await connection.fetch(
            f"""
            INSERT INTO activities ({_COLUMNS})
            SELECT
                id, created_at, category, received.uid, target_uid, topic, action, result,
                CASE WHEN {_ERASED.format("received.uid")} THEN '' ELSE user_ip END,
                CASE WHEN {_ERASED.format("received.uid")} THEN '' ELSE user_agent END,
                CASE WHEN NOT {_ERASED.format("received.uid, target_uid")} THEN data END
            FROM unnest(
                $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[],
                $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]
            ) AS received ({_COLUMNS})
            ON CONFLICT (id, created_at) DO NOTHING
            RETURNING id
            """,
            *([getattr(activity, column) for activity in activities] for column in columns),
        )
    return {row["id"] for row in rows}


async def select_activities(
    connection: Connection,
    wanted: ActivityFilter,
    limit: int,
    *,
    offset: int = 0,
    behind: Position | None = None,
) -> list[StoredActivity]:
    """Activities, the newest first; with `behind`, those after that place in the order.

    The first query finds keys in an index alone, the second reads their rows: rows that a filter
    or the offset skips are never read from the table.
    """
    where, values = _where(wanted)
    if behind is not None:
        # The second condition is implied, but by it PostgreSQL knows which months to leave out.
        moment, number = len(values) + 1, len(values) + 2
        where += f" AND (created_at, id) < (${moment}, ${number}) AND created_at <= ${moment}"
        values += behind
    keys = await connection.fetch(
        f"""
        SELECT created_at, id
        FROM activities
        WHERE {where}
        ORDER BY created_at DESC, id DESC
        LIMIT ${len(values) + 1}
        OFFSET ${len(values) + 2}
        """,
        *values,
        limit,
        offset,
    )
    if not keys:
        return []
    rows = await connection.fetch(
        f"""
        SELECT number, {_COLUMNS}
        FROM activities
        WHERE id = ANY($1) AND created_at BETWEEN $2 AND $3
        ORDER BY created_at DESC, id DESC
        """,
        [key["id"] for key in keys],
        keys[-1]["created_at"],
        keys[0]["created_at"],
    )
    return [StoredActivity(**row) for row in rows]


async def count_activities(connection: Connection, wanted: ActivityFilter, most: int) -> int:
    """The number of activities that meet the filter, but no more than `most`."""
    where, values = _where(wanted)
    number: int = await connection.fetchval(
        f"""
        SELECT count(*)
        FROM (
            SELECT
            FROM activities
            WHERE {where}
            LIMIT ${len(values) + 1}
        ) AS counted
        """,
        *values,
        most,
    )
    return number


async def count_actions(
    connection: Connection, start: datetime, end: datetime, topics: Iterable[str]
) -> list[tuple[tuple[str, str, str], int]]:
    """The number of users' actions by topic, action and result, in a span without its end."""
    rows = await connection.fetch(
        """
        SELECT topic, action, result, count(*) AS number
        FROM activities
        WHERE category = 'user'
          AND created_at >= $1
          AND created_at < $2
          AND topic = ANY($3)
        GROUP BY topic, action, result
        """,
        start,
        end,
        list(topics),
    )
    return [((row["topic"], row["action"], row["result"]), row["number"]) for row in rows]


async def wait_for_writers(connection: Connection) -> None:
    """Returns when all writes under way are done; later writers wait for this transaction."""
    await connection.execute(
        f"{_LOCK_TIMEOUT}; LOCK TABLE ONLY activities IN SHARE MODE"  # the parent's lock is enough
    )


async def erase_some(
    connection: Connection, walk: Walk, uid: str, behind: Position, most: int
) -> Position | None:
    """Removes personal data from the next of a user's activities, the oldest first.

    These are the next `most` after a place, whether erased before or not, so that a call costs the
    same however many there are. Returns the place of the last; None where the walk ends.
    """
    here = f"category = $1 AND {walk.who} = $2 AND (created_at, id) > ($3, $4) AND created_at >= $3"
    last = await connection.fetchrow(
        f"""
        SELECT created_at, id
        FROM activities
        WHERE {here}
        ORDER BY created_at, id
        LIMIT 1
        OFFSET $5
        """,
        *(walk.category, uid, *behind, most - 1),
    )
    until = Position(*last) if last else None
    bound = "AND (created_at, id) <= ($5, $6) AND created_at <= $5" if until else ""
    await connection.execute(
        f"UPDATE activities SET {walk.erased} WHERE {here} {bound} AND ({walk.personal})",
        *(walk.category, uid, *behind, *(until or ())),
    )
    return until


async def increment_daily_count(connection: Connection, day: date, metric: str) -> None:
    """Adds one to a count."""
    await connection.execute(
        f"""
        INSERT INTO daily_counts (day, metric, slot, number)
        VALUES ($1, $2, pg_backend_pid() % {_COUNT_SLOTS}, 1)
        ON CONFLICT (day, metric, slot) DO UPDATE
        SET number = daily_counts.number + 1
        """,
        day,
        metric,
    )


async def select_daily_counts(
    connection: Connection, first: date, last: date
) -> list[tuple[date, str, int]]:
    """Day, metric and number of each count of these days, in order."""
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


def _where(wanted: ActivityFilter) -> tuple[str, list[Any]]:
    """The condition, in fixed words and numbered arguments, and these arguments."""
    asked = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    given = {name: value for name, value in asked.items() if value is not None}
    conditions = (_CONDITIONS[name].format(number) for number, name in enumerate(given, 1))
    return " AND ".join(conditions), list(given.values())
