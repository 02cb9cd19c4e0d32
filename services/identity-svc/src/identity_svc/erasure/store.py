"""SQL of erasure."""

from datetime import timedelta

from shared.database.pool import Connection


async def lock_due(connection: Connection, delay: timedelta) -> str | None:
    """The uid of a user who deleted his account longer ago than `delay`, and is deleted still.

    Nobody else changes him until the transaction ends; who is being changed or erased is skipped.
    """
    uid: str | None = await connection.fetchval(
        """
        SELECT uid
        FROM users
        WHERE deleted_at < now() - $1::interval
          AND state = 'deleted'
          AND private_labels ->> 'delete' = 'by_user'
        ORDER BY deleted_at
        LIMIT 1
        FOR UPDATE SKIP LOCKED
        """,
        delay,
    )
    return uid


async def lock_deleted(connection: Connection, uid: str, delay: timedelta) -> bool:
    """Whether the user is deleted, by whomever, for longer than `delay`; then he stays so."""
    return bool(
        await connection.fetchval(
            """
            SELECT true
            FROM users
            WHERE uid = $1
              AND state = 'deleted'
              AND deleted_at < now() - $2::interval
            FOR UPDATE
            """,
            uid,
            delay,
        )
    )


async def erase(connection: Connection, uid: str) -> None:
    """Deletes the user with all that refers to him, and keeps his uid from being used again."""
    await connection.execute(
        """
        DELETE FROM users
        WHERE uid = $1
        """,
        uid,
    )
    await connection.execute(
        """
        INSERT INTO erased_users (uid)
        VALUES ($1)
        ON CONFLICT (uid) DO NOTHING
        """,
        uid,
    )
