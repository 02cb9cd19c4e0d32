"""The table of endpoints."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from shared.database.pool import Connection
from webhooks_svc.endpoints.models import (
    DISABLED,
    OVERLAP,
    Endpoint,
    EndpointNotFound,
    Seal,
    Wanted,
)

_ADVISORY_LOCK = "webhooks.endpoints"


async def count_to_add(connection: Connection) -> int:
    """The number of endpoints; nobody can add one until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", _ADVISORY_LOCK)
    count: int = await connection.fetchval("SELECT count(*) FROM endpoints")
    return count


async def insert(connection: Connection, wanted: Wanted, secret: bytes, seal: Seal) -> Endpoint:
    """Adds an endpoint with its secret."""
    row = await connection.fetchrow(
        """
        INSERT INTO endpoints (url, description, events, state, secret)
        VALUES ($1, $2, $3, $4, $5)
        RETURNING *
        """,
        wanted.url,
        wanted.description,
        list(wanted.events),
        wanted.state,
        seal.close(secret),
    )
    return _endpoint(row, seal)


async def select_page(
    connection: Connection, limit: int, offset: int, seal: Seal
) -> tuple[list[Endpoint], int]:
    """One page of endpoints, the oldest first, and the number of all."""
    rows = await connection.fetch(
        """
        SELECT *
        FROM endpoints
        ORDER BY id
        LIMIT $1
        OFFSET $2
        """,
        limit,
        offset,
    )
    total: int = await connection.fetchval("SELECT count(*) FROM endpoints")
    return [_endpoint(row, seal) for row in rows], total


async def select_active(connection: Connection) -> list[tuple[int, Sequence[str]]]:
    """The ids and patterns of all active endpoints."""
    rows = await connection.fetch("SELECT id, events FROM endpoints WHERE state = 'active'")
    return [(row["id"], row["events"]) for row in rows]


async def get(
    connection: Connection, endpoint_id: int, seal: Seal, *, for_update: bool = False
) -> Endpoint:
    """The endpoint; raises `EndpointNotFound`."""
    lock = "FOR UPDATE" if for_update else ""
    row = await connection.fetchrow(f"SELECT * FROM endpoints WHERE id = $1 {lock}", endpoint_id)
    if row is None:
        raise EndpointNotFound
    return _endpoint(row, seal)


async def update(connection: Connection, endpoint_id: int, wanted: Wanted, seal: Seal) -> Endpoint:
    """Sets what an administrator writes; an endpoint that they activate begins anew."""
    row = await connection.fetchrow(
        """
        UPDATE endpoints
        SET url = $2, description = $3, events = $4, state = $5, disabled_reason = NULL,
            failing_since = CASE WHEN $5 = 'active' AND state = 'active' THEN failing_since END,
            updated_at = now()
        WHERE id = $1
        RETURNING *
        """,
        endpoint_id,
        wanted.url,
        wanted.description,
        list(wanted.events),
        wanted.state,
    )
    return _endpoint(row, seal)


async def rotate(connection: Connection, endpoint_id: int, secret: bytes, seal: Seal) -> Endpoint:
    """Sets another secret; the one before it signs, too, for `OVERLAP`.

    Raises `EndpointNotFound`.
    """
    row = await connection.fetchrow(
        """
        UPDATE endpoints
        SET previous_secret = secret, previous_ends_at = now() + $3::interval, secret = $2,
            updated_at = now()
        WHERE id = $1
        RETURNING *
        """,
        endpoint_id,
        seal.close(secret),
        OVERLAP,
    )
    if row is None:
        raise EndpointNotFound
    return _endpoint(row, seal)


async def delete(connection: Connection, endpoint_id: int) -> None:
    """Deletes an endpoint with its deliveries; raises `EndpointNotFound`."""
    if await connection.execute("DELETE FROM endpoints WHERE id = $1", endpoint_id) == "DELETE 0":
        raise EndpointNotFound


async def note_success(connection: Connection, endpoint_id: int) -> None:
    """A delivery succeeded."""
    await connection.execute(
        """
        UPDATE endpoints
        SET failing_since = NULL
        WHERE id = $1
          AND failing_since IS NOT NULL
        """,
        endpoint_id,
    )


async def note_failure(
    connection: Connection, endpoint_id: int, patience: timedelta
) -> datetime | None:
    """A delivery failed; the time since which all fail, once that is longer ago than `patience`."""
    await connection.execute(
        """
        UPDATE endpoints
        SET failing_since = now()
        WHERE id = $1
          AND failing_since IS NULL
        """,
        endpoint_id,
    )
    row = await connection.fetchrow(
        """
        SELECT failing_since
        FROM endpoints
        WHERE id = $1
          AND failing_since < now() - $2::interval
        """,
        endpoint_id,
        patience,
    )
    return None if row is None else row["failing_since"]


async def disable(
    connection: Connection, endpoint_id: int, reason: str, seal: Seal
) -> Endpoint | None:
    """Disables an endpoint for a reason of the service; None when it is not active any more."""
    row = await connection.fetchrow(
        f"""
        UPDATE endpoints
        SET state = '{DISABLED}', disabled_reason = $2, updated_at = now()
        WHERE id = $1
          AND state = 'active'
        RETURNING *
        """,
        endpoint_id,
        reason,
    )
    return None if row is None else _endpoint(row, seal)


async def select_crowded(connection: Connection, backlog: int) -> list[int]:
    """The active endpoints for which more than `backlog` deliveries wait."""
    rows = await connection.fetch(
        """
        SELECT endpoints.id
        FROM endpoints
        WHERE state = 'active'
          AND EXISTS (
              SELECT FROM deliveries
              WHERE endpoint_id = endpoints.id
                AND deliveries.state = 'waiting'
              OFFSET $1
          )
        """,
        backlog,
    )
    return [row["id"] for row in rows]


def _endpoint(row: Any, seal: Seal) -> Endpoint:
    secrets = [seal.open(row["secret"])]
    if row["previous_secret"] is not None and row["previous_ends_at"] > datetime.now(
        row["previous_ends_at"].tzinfo
    ):
        secrets.append(seal.open(row["previous_secret"]))
    return Endpoint(
        id=row["id"],
        url=row["url"],
        description=row["description"],
        events=row["events"],
        state=row["state"],
        disabled_reason=row["disabled_reason"],
        secrets=secrets,
        failing_since=row["failing_since"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
