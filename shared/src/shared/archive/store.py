"""The SQL that reads archived events, and the table of their replays.

`shared.messaging.outbox` writes the archive, in the statement that marks events as published.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.contracts.archive import (
    ArchivedEvent,
    EventFilter,
    Position,
    Replay,
    State,
    expression_of,
)
from shared.database.pool import Connection

_EVENT = "id, published_at, event_id, name, uid, record, changes, snapshot, had_secrets"
_REPLAY = "id, queue, filter, state, reason, replayed, created_at, updated_at"
_CONDITIONS = {
    "uid": "(uid = ${0} OR target_uid = ${0})",
    "since": "published_at >= ${0}",
    "until": "published_at < ${0}",
}


async def select_newest(
    connection: Connection, wanted: EventFilter, limit: int, before: Position | None
) -> list[ArchivedEvent]:
    """Events, the newest first; with `before`, those that were published before that place."""
    where, values = _where(wanted)
    if before is not None:
        where, values = _beyond(where, values, "<", before)
    rows = await connection.fetch(
        f"""
        SELECT {_EVENT}
        FROM events
        WHERE {where}
        ORDER BY published_at DESC, id DESC
        LIMIT ${len(values) + 1}
        """,
        *values,
        limit,
    )
    return [_event(row) for row in rows]


async def select_after(
    connection: Connection,
    wanted: EventFilter,
    after: Position | None,
    limit: int,
    size: int,
    *,
    complete: bool = False,
) -> list[ArchivedEvent]:
    """Events in the order of publication, after a place or from the beginning.

    At least one, and more only while those before it have fewer than `size` bytes. With
    `complete`, only events that had no secrets.
    """
    where, values = _where(wanted)
    if after is not None:
        where, values = _beyond(where, values, ">", after)
    if complete:
        where += " AND NOT had_secrets"
    rows = await connection.fetch(
        f"""
        SELECT {_EVENT}
        FROM (
            SELECT *, sum(size) OVER (ORDER BY published_at, id) - size AS before
            FROM (
                SELECT {_EVENT}, octet_length(concat(record, changes, snapshot)) AS size
                FROM events
                WHERE {where}
                ORDER BY published_at, id
                LIMIT ${len(values) + 1}
            ) AS next
        ) AS measured
        WHERE before < ${len(values) + 2}
        ORDER BY published_at, id
        """,
        *values,
        limit,
        size,
    )
    return [_event(row) for row in rows]


async def count(connection: Connection, wanted: EventFilter, *, complete: bool, most: int) -> int:
    """The number of events that meet the filter, but no more than `most`."""
    where, values = _where(wanted)
    if complete:
        where += " AND NOT had_secrets"
    number: int = await connection.fetchval(
        f"""
        SELECT count(*)
        FROM (SELECT FROM events WHERE {where} LIMIT ${len(values) + 1}) AS counted
        """,
        *values,
        most,
    )
    return number


async def wait_for_writers(connection: Connection) -> datetime:
    """Returns the database's time, once every event that was published before it is in the archive.

    Writers wait for the end of this transaction.
    """
    await connection.execute("LOCK TABLE ONLY events IN SHARE MODE")
    moment: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return moment


async def lock_replays(connection: Connection) -> int:
    """The number of replays that run; others who ask wait for the end of this transaction."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('replays ' || current_schema(), 0))"
    )
    number: int = await connection.fetchval(
        "SELECT count(*) FROM event_replays WHERE state = 'running'"
    )
    return number


async def insert_replay(
    connection: Connection, queue: str, wanted: EventFilter, *, incomplete: bool
) -> Replay:
    """A new replay."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO event_replays (id, queue, filter)
        VALUES ($1, $2, $3)
        RETURNING {_REPLAY}
        """,
        uuid.uuid4(),
        queue,
        {**wanted.to_internal(), "incomplete": incomplete},
    )
    return _replay(row)


async def delete_old_replays(connection: Connection, age: timedelta) -> None:
    """Deletes replays that ended, and began longer ago than `age`."""
    await connection.execute(
        "DELETE FROM event_replays WHERE state <> 'running' AND created_at < now() - $1::interval",
        age,
    )


async def select_replays(connection: Connection, limit: int) -> list[Replay]:
    """The replays that began last, the newest first."""
    rows = await connection.fetch(
        f"SELECT {_REPLAY} FROM event_replays ORDER BY created_at DESC, id LIMIT $1", limit
    )
    return [_replay(row) for row in rows]


async def find_replay(connection: Connection, number: uuid.UUID) -> Replay | None:
    """The replay."""
    row = await connection.fetchrow(f"SELECT {_REPLAY} FROM event_replays WHERE id = $1", number)
    return _replay(row) if row else None


async def lock_due(connection: Connection) -> tuple[Replay, Position | None] | None:
    """The replay whose turn it is, with the place that it reached; None if none is due.

    Other processes skip it until the end of this transaction.
    """
    row = await connection.fetchrow(
        f"""
        SELECT {_REPLAY}, reached_at, reached_id
        FROM event_replays
        WHERE state = 'running' AND next_at <= now()
        ORDER BY next_at
        LIMIT 1
        FOR UPDATE SKIP LOCKED
        """
    )
    if row is None:
        return None
    reached = None if row["reached_at"] is None else Position(row["reached_at"], row["reached_id"])
    return _replay(row), reached


async def seconds_to_next(connection: Connection) -> float | None:
    """The seconds until a replay is due; None if none runs."""
    seconds: float | None = await connection.fetchval(
        """
        SELECT greatest(extract(epoch FROM min(next_at) - now()), 0)::float
        FROM event_replays
        WHERE state = 'running'
        HAVING count(*) > 0 -- greatest() passes over the NULL of no rows
        """
    )
    return seconds


async def update_replay(
    connection: Connection,
    number: uuid.UUID,
    reached: Sequence[ArchivedEvent],
    pause: float,
    reason: str | None,
) -> None:
    """Stores what a turn replayed; the next turn is due after `pause` seconds."""
    place = reached[-1].position if reached else (None, None)
    await connection.execute(
        """
        UPDATE event_replays
        SET replayed = replayed + $2,
            reached_at = coalesce($3, reached_at),
            reached_id = coalesce($4, reached_id),
            next_at = clock_timestamp() + $5 * interval '1 second',
            reason = $6,
            updated_at = now()
        WHERE id = $1
        """,
        number,
        len(reached),
        *place,
        pause,
        reason,
    )


async def end_replay(
    connection: Connection, number: uuid.UUID, state: State, reason: str | None = None
) -> Replay | None:
    """Ends a replay that runs, when no turn of it is under way; None if none does."""
    row = await connection.fetchrow(
        f"""
        UPDATE event_replays
        SET state = $2, reason = $3, updated_at = now()
        WHERE id = $1 AND state = 'running'
        RETURNING {_REPLAY}
        """,
        number,
        state,
        reason,
    )
    return _replay(row) if row else None


def _where(wanted: EventFilter) -> tuple[str, list[Any]]:
    """The condition, in fixed words and numbered arguments, and these arguments."""
    conditions, values = ["true"], list[Any]()
    if wanted.name is not None and wanted.name != "#":
        literal = not {"*", "#"} & set(wanted.name)
        values.append(wanted.name if literal else expression_of(wanted.name))
        conditions.append(f"name {'=' if literal else '~'} ${len(values)}")
    for name, condition in _CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None:
            values.append(value)
            conditions.append(condition.format(len(values)))
    return " AND ".join(conditions), values


def _beyond(where: str, values: list[Any], sign: str, place: Position) -> tuple[str, list[Any]]:
    # The second condition is implied, but by it PostgreSQL knows which months to leave out.
    moment, number = f"${len(values) + 1}", f"${len(values) + 2}"
    return (
        f"{where} AND (published_at, id) {sign} ({moment}, {number})"
        f" AND published_at {sign}= {moment}",
        [*values, *place],
    )


def _event(row: Any) -> ArchivedEvent:
    return ArchivedEvent(
        position=Position(row["published_at"], row["id"]),
        id=row["event_id"],
        name=row["name"],
        uid=row["uid"],
        record=row["record"],
        changes=row["changes"],
        snapshot=row["snapshot"],
        complete=not row["had_secrets"],
    )


def _replay(row: Any) -> Replay:
    stored = dict(row["filter"])
    incomplete = bool(stored.pop("incomplete"))
    return Replay(
        id=row["id"],
        queue=row["queue"],
        wanted=EventFilter.of(stored),
        incomplete=incomplete,
        state=row["state"],
        reason=row["reason"],
        replayed=row["replayed"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
