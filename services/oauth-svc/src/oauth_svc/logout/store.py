"""The table of back-channel log-outs."""

from collections.abc import Sequence
from datetime import timedelta

from oauth_svc.logout.models import Logout
from shared.database.pool import Connection


async def insert(connection: Connection, uid: str, sessions: Sequence[tuple[str, str]]) -> None:
    """Adds a log-out for each client and session, once each, if the client wants log-outs."""
    await connection.execute(
        """
        INSERT INTO logouts (client_id, uid, sid)
        SELECT clients.client_id, $1, session.sid
        FROM unnest($2::text[], $3::text[]) AS session (client_id, sid)
        JOIN clients USING (client_id)
        WHERE backchannel_logout_uri IS NOT NULL
        ON CONFLICT ON CONSTRAINT logouts_once_key DO NOTHING
        """,
        uid,
        [client_id for client_id, _ in sessions],
        [sid for _, sid in sessions],
    )


async def claim(connection: Connection, limit: int, lease: timedelta) -> Sequence[Logout]:
    """Takes the next log-outs that are due; no other process gets them for `lease`."""
    rows = await connection.fetch(
        """
        UPDATE logouts
        SET attempts = attempts + 1, next_at = now() + $2::interval
        FROM clients
        WHERE clients.client_id = logouts.client_id
          AND logouts.id IN (
              SELECT id
              FROM logouts
              WHERE next_at <= now()
              ORDER BY next_at
              LIMIT $1
              FOR UPDATE SKIP LOCKED
          )
        RETURNING logouts.id, logouts.client_id, backchannel_logout_uri AS uri, uid, sid, attempts
        """,
        limit,
        lease,
    )
    return [Logout(**{**dict(row), "uri": row["uri"] or ""}) for row in rows]


async def postpone(connection: Connection, logout_id: int, delay: timedelta) -> None:
    """Lets the next attempt begin later."""
    await connection.execute(
        "UPDATE logouts SET next_at = now() + $2::interval WHERE id = $1", logout_id, delay
    )


async def delete(connection: Connection, logout_id: int) -> None:
    """Deletes a log-out that was sent or given up."""
    await connection.execute("DELETE FROM logouts WHERE id = $1", logout_id)


async def delete_user(connection: Connection, uid: str) -> None:
    """Deletes the log-outs of a user."""
    await connection.execute("DELETE FROM logouts WHERE uid = $1", uid)


async def count_waiting(connection: Connection) -> int:
    """How many log-outs wait."""
    count: int = await connection.fetchval("SELECT count(*) FROM logouts")
    return count
