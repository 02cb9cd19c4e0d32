"""The tables of challenges and of pushed requests."""

from datetime import datetime, timedelta
from typing import Any, Literal

from oauth_svc.authorizations.models import Challenge
from oauth_svc.protocol.authorization import AuthorizationRequest, Progress
from shared.database.pool import Connection


async def insert(
    connection: Connection,
    digest: bytes,
    request: AuthorizationRequest,
    seen: datetime | None,
    expires_at: datetime,
) -> None:
    """Adds a challenge."""
    await connection.execute(
        """
        INSERT INTO challenges (digest, client_id, request, seen, expires_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        digest,
        request.client_id,
        request.to_json(),
        seen,
        expires_at,
    )


async def keep_newest(
    connection: Connection,
    table: Literal["challenges", "pushed_requests"],
    client_id: str,
    limit: int,
) -> None:
    """Deletes the oldest rows of a client, beyond `limit`."""
    await connection.execute(
        f"""
        DELETE FROM {table}
        WHERE digest IN (
            SELECT digest
            FROM {table}
            WHERE client_id = $1
            ORDER BY created_at DESC
            OFFSET $2
            FOR UPDATE SKIP LOCKED
        )
        """,
        client_id,
        limit,
    )


async def find(
    connection: Connection, digest: bytes, *, for_update: bool = False
) -> Challenge | None:
    """The living challenge; None without one."""
    row = await connection.fetchrow(
        f"""
        SELECT request, seen, consented_by, created_at, expires_at
        FROM challenges
        WHERE digest = $1
          AND expires_at > now()
        {"FOR UPDATE" if for_update else ""}
        """,
        digest,
    )
    return None if row is None else _challenge(row)


async def consent(connection: Connection, digest: bytes, sid: str) -> None:
    """Stores the session that consented."""
    await connection.execute(
        "UPDATE challenges SET consented_by = $2 WHERE digest = $1", digest, sid
    )


async def delete(connection: Connection, digest: bytes) -> bool:
    """Deletes a challenge that was answered; whether there was one."""
    return await connection.execute("DELETE FROM challenges WHERE digest = $1", digest) == (
        "DELETE 1"
    )


async def delete_expired(connection: Connection) -> None:
    """Deletes challenges that nobody answered, and pushed requests that nobody used."""
    await connection.execute("DELETE FROM challenges WHERE expires_at < now()")
    await connection.execute("DELETE FROM pushed_requests WHERE expires_at < now()")


async def insert_pushed(
    connection: Connection, digest: bytes, request: AuthorizationRequest, life: timedelta
) -> None:
    """Adds a pushed request."""
    await connection.execute(
        """
        INSERT INTO pushed_requests (digest, client_id, request, expires_at)
        VALUES ($1, $2, $3, now() + $4::interval)
        """,
        digest,
        request.client_id,
        request.to_json(),
        life,
    )


async def take_pushed(
    connection: Connection, digest: bytes, client_id: str
) -> AuthorizationRequest | None:
    """The living request that the client pushed, for the first who asks; None for all others."""
    request = await connection.fetchval(
        """
        DELETE FROM pushed_requests
        WHERE digest = $1
          AND client_id = $2
          AND expires_at > now()
        RETURNING request
        """,
        digest,
        client_id,
    )
    return None if request is None else AuthorizationRequest.of(request)


def _challenge(row: Any) -> Challenge:
    return Challenge(
        request=AuthorizationRequest.of(row["request"]),
        progress=Progress(
            began=row["created_at"], seen=row["seen"], consented_by=row["consented_by"]
        ),
        expires_at=row["expires_at"],
    )
