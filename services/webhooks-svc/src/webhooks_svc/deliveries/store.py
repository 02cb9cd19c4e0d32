"""The table of deliveries."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shared.contracts.catalogue import USER_ERASED
from shared.database.pool import Connection
from webhooks_svc.deliveries.models import (
    DELIVERED,
    FAILED,
    Delivery,
    DeliveryNotFound,
    Outcome,
)


async def insert(
    connection: Connection,
    endpoint_ids: Sequence[int],
    event_id: UUID,
    name: str,
    uid: str | None,
    payload: str,
) -> None:
    """Adds a delivery to each endpoint, and wakes the senders when the transaction commits.

    Endpoints that were deleted meanwhile get none. Of an erased user, endpoints get no more than
    that they were erased.
    """
    await connection.execute(
        """
        INSERT INTO deliveries (endpoint_id, event_id, name, uid, payload)
        SELECT id, $2, $3, $4, $5
        FROM endpoints
        WHERE id = ANY($1)
          AND ($3 = $6 OR NOT EXISTS (SELECT FROM events_erased_users WHERE uid = $4))
        FOR KEY SHARE OF endpoints
        ON CONFLICT ON CONSTRAINT deliveries_once_key DO NOTHING
        """,
        list(endpoint_ids),
        event_id,
        name,
        uid,
        payload,
        USER_ERASED.name,
    )
    await notify(connection)


async def notify(connection: Connection) -> None:
    """Wakes the senders when the transaction commits."""
    await connection.execute("SELECT pg_notify('deliveries_' || current_schema(), '')")


async def claim(
    connection: Connection, busy: Sequence[int], each: int, lease: timedelta
) -> list[Delivery]:
    """Takes what is due: at most `each` deliveries of every active endpoint that is not `busy`.

    Nobody else takes them within `lease`: if this process dies, they are sent again after it.
    """
    rows = await connection.fetch(
        """
        UPDATE deliveries
        SET attempts = attempts + 1, next_at = now() + $3::interval
        FROM (
            SELECT due.id
            FROM endpoints
            CROSS JOIN LATERAL (
                SELECT id
                FROM deliveries
                WHERE endpoint_id = endpoints.id
                  AND state = 'waiting'
                  AND next_at <= now()
                ORDER BY next_at
                LIMIT $2
                FOR UPDATE SKIP LOCKED
            ) AS due
            WHERE endpoints.state = 'active'
              AND endpoints.id <> ALL($1)
        ) AS claimed
        WHERE deliveries.id = claimed.id
        RETURNING deliveries.*
        """,
        list(busy),
        each,
        lease,
    )
    return [_delivery(row) for row in sorted(rows, key=lambda row: int(row["id"]))]


async def end(connection: Connection, delivery_id: int, outcome: Outcome) -> None:
    """Stores the outcome of the last attempt."""
    await connection.execute(
        """
        UPDATE deliveries
        SET state = $2, status = $3, answer = $4, error = $5, ended_at = now()
        WHERE id = $1
        """,
        delivery_id,
        DELIVERED if outcome.succeeded else FAILED,
        outcome.status,
        outcome.answer,
        outcome.error,
    )


async def postpone(
    connection: Connection, delivery_id: int, outcome: Outcome, delay: timedelta
) -> None:
    """Stores the outcome of an attempt; the next one follows after `delay`."""
    await connection.execute(
        """
        UPDATE deliveries
        SET status = $2, answer = $3, error = $4, next_at = now() + $5::interval
        WHERE id = $1
        """,
        delivery_id,
        outcome.status,
        outcome.answer,
        outcome.error,
        delay,
    )


async def select_page(
    connection: Connection, endpoint_id: int, state: str | None, limit: int, offset: int
) -> tuple[list[Delivery], int]:
    """One page of an endpoint's deliveries, the newest first, and the number of all."""
    where = "endpoint_id = $1 AND ($2::text IS NULL OR state = $2)"
    rows = await connection.fetch(
        f"""
        SELECT *
        FROM deliveries
        WHERE {where}
        ORDER BY id DESC
        LIMIT $3
        OFFSET $4
        """,
        endpoint_id,
        state,
        limit,
        offset,
    )
    total: int = await connection.fetchval(
        f"SELECT count(*) FROM deliveries WHERE {where}", endpoint_id, state
    )
    return [_delivery(row) for row in rows], total


async def resend(connection: Connection, endpoint_id: int, delivery_id: int) -> Delivery:
    """Lets a delivery begin anew; raises `DeliveryNotFound`."""
    row = await connection.fetchrow(
        """
        UPDATE deliveries
        SET state = 'waiting', attempts = 0, next_at = now(), ended_at = NULL
        WHERE id = $2
          AND endpoint_id = $1
        RETURNING *
        """,
        endpoint_id,
        delivery_id,
    )
    if row is None:
        raise DeliveryNotFound
    await notify(connection)
    return _delivery(row)


async def resend_span(
    connection: Connection,
    endpoint_id: int,
    since: datetime,
    until: datetime,
    *,
    failed_only: bool,
    limit: int,
) -> int:
    """Lets an endpoint's ended deliveries of a span begin anew, the oldest first.

    Returns their number.
    """
    status = await connection.execute(
        """
        UPDATE deliveries
        SET state = 'waiting', attempts = 0, next_at = now(), ended_at = NULL
        WHERE id IN (
            SELECT id
            FROM deliveries
            WHERE endpoint_id = $1
              AND created_at >= $2
              AND created_at < $3
              AND (state = 'failed' OR (state = 'delivered' AND NOT $4))
            ORDER BY id
            LIMIT $5
        )
        """,
        endpoint_id,
        since,
        until,
        failed_only,
        limit,
    )
    await notify(connection)
    return int(status.rpartition(" ")[2])


async def forget_user(connection: Connection, uid: str) -> None:
    """Deletes all deliveries about a user whom the outbox has forgotten."""
    # Returns when no delivery is being added; whoever adds one later sees the outbox's mark.
    await connection.execute("LOCK TABLE deliveries IN SHARE ROW EXCLUSIVE MODE")
    await connection.execute("DELETE FROM deliveries WHERE uid = $1", uid)


async def prune(connection: Connection, log_days: int, limit: int) -> int:
    """Deletes at most `limit` deliveries that ended so many days ago; returns their number."""
    status = await connection.execute(
        """
        DELETE FROM deliveries
        WHERE id IN (
            SELECT id
            FROM deliveries
            WHERE ended_at < now() - make_interval(days => $1)
            LIMIT $2
        )
        """,
        log_days,
        limit,
    )
    return int(status.rpartition(" ")[2])


async def expire(connection: Connection, after: timedelta, limit: int) -> int:
    """Fails at most `limit` deliveries to disabled endpoints that have waited for `after`."""
    status = await connection.execute(
        """
        UPDATE deliveries
        SET state = 'failed', error = coalesce(error, 'the endpoint is disabled'), ended_at = now()
        WHERE id IN (
            SELECT deliveries.id
            FROM deliveries
            JOIN endpoints ON endpoints.id = endpoint_id
            WHERE deliveries.state = 'waiting'
              AND endpoints.state = 'disabled'
              AND deliveries.created_at < now() - $1::interval
            LIMIT $2
        )
        """,
        after,
        limit,
    )
    return int(status.rpartition(" ")[2])


async def backlog(connection: Connection) -> tuple[int, datetime | None]:
    """How many deliveries to active endpoints are due, and since when the oldest is."""
    (row,) = await connection.fetch(
        """
        SELECT count(*) AS number, min(next_at) AS oldest
        FROM deliveries
        JOIN endpoints ON endpoints.id = endpoint_id
        WHERE deliveries.state = 'waiting'
          AND endpoints.state = 'active'
          AND next_at <= now()
        """
    )
    return row["number"], row["oldest"]


def _delivery(row: Any) -> Delivery:
    return Delivery(
        **{
            name: row[name]
            for name in (
                *("id", "endpoint_id", "event_id", "name", "payload", "state", "attempts"),
                *("next_at", "status", "answer", "error", "created_at", "ended_at"),
            )
        }
    )
