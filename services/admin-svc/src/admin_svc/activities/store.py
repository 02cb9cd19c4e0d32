"""The table of activities."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import asyncpg

from admin_svc.activities.filter import ActivityFilter, Position
from admin_svc.activities.months import Month
from shared.contracts.activities import Activity, KeptActivity
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
"""What each field of a filter asks for; only the fields that are set make it into a statement."""

_ERASED = "EXISTS (SELECT FROM erased_users WHERE erased_users.uid IN ({}))"

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '3s'"
"""For what locks all activities: whoever comes later waits behind us, and gives up after us."""


class NoPartition(Exception):
    """No partition holds the month of an activity."""


async def insert_activities(
    connection: Connection, activities: Sequence[Activity]
) -> set[uuid.UUID]:
    """Keeps all of these activities; the ids of those that were not kept already.

    What is told late of a user who was erased is kept as an erasure leaves it.

    Raises `NoPartition`, and then keeps none; a transaction is lost after it.
    """
    columns = _COLUMNS.split(", ")
    try:
        rows = await connection.fetch(
            f"""
            INSERT INTO activities ({_COLUMNS})
            SELECT
                id, created_at, category, told.uid, target_uid, topic, action, result,
                CASE WHEN {_ERASED.format("told.uid")} THEN '' ELSE user_ip END,
                CASE WHEN {_ERASED.format("told.uid")} THEN '' ELSE user_agent END,
                CASE WHEN NOT {_ERASED.format("told.uid, target_uid")} THEN data END
            FROM unnest(
                $1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[],
                $7::text[], $8::text[], $9::text[], $10::text[], $11::text[]
            ) AS told ({_COLUMNS})
            ON CONFLICT (id, created_at) DO NOTHING
            RETURNING id
            """,
            *([getattr(activity, column) for activity in activities] for column in columns),
        )
    except asyncpg.CheckViolationError as error:
        if error.constraint_name is not None:
            raise
        raise NoPartition from None
    return {row["id"] for row in rows}


async def select_activities(
    connection: Connection,
    wanted: ActivityFilter,
    limit: int,
    *,
    offset: int = 0,
    behind: Position | None = None,
) -> list[KeptActivity]:
    """Activities, the newest first; those `behind` a place in that order.

    First which ones, from an index alone, and then these: however many have to be passed over
    because of another filter or the offset, none of them is read from the table.
    """
    where, values = _where(wanted)
    if behind is not None:
        # The second condition says no more, but by it PostgreSQL knows which months to leave out.
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
    return [KeptActivity(**row) for row in rows]


async def count_activities(connection: Connection, wanted: ActivityFilter, most: int) -> int:
    """How many activities the filter lets pass, but no more than `most`."""
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


async def count_deeds(
    connection: Connection, start: datetime, end: datetime, topics: Iterable[str]
) -> list[tuple[tuple[str, str, str], int]]:
    """How often users did what, by topic, action and result, in a span without its end."""
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


async def make_partition(connection: Connection, month: Month) -> bool:
    """Makes the partition of a month; False where there is one.

    It is made aside and then attached, which nobody who reads or writes has to wait for.
    """
    await _one_at_a_time(connection)
    if await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", month.partition):
        return False
    await connection.execute(
        f"""
        {LOCK_TIMEOUT};
        CREATE TABLE {month.partition} (LIKE activities INCLUDING ALL);
        ALTER TABLE activities ATTACH PARTITION {month.partition}
        FOR VALUES FROM ({month.begins}) TO ({month.plus(1).begins})
        """
    )
    return True


async def drop_partition(connection: Connection, month: Month) -> None:
    """Drops a month with all its activities."""
    await _one_at_a_time(connection)
    await connection.execute(f"{LOCK_TIMEOUT}; DROP TABLE IF EXISTS {month.partition}")


async def partitioned_months(connection: Connection) -> list[Month]:
    """The months that have a partition, in order."""
    rows = await connection.fetch(
        """
        SELECT relname
        FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'activities'::regclass
        """
    )
    return sorted(month for row in rows if (month := Month.of_partition(row["relname"])))


async def _one_at_a_time(connection: Connection) -> None:
    """Waits until nobody else makes or drops partitions, and keeps others waiting."""
    await connection.execute(
        """
        SELECT pg_advisory_xact_lock(
            hashtextextended('activities partitions ' || current_schema(), 0)
        )
        """
    )


def _where(wanted: ActivityFilter) -> tuple[str, list[Any]]:
    """The condition, in fixed words and numbered arguments, and these arguments."""
    asked = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    given = {name: value for name, value in asked.items() if value is not None}
    conditions = (_CONDITIONS[name].format(number) for number, name in enumerate(given, 1))
    return " AND ".join(conditions), list(given.values())
