"""SQL of mail tokens, and of the mails that were sent."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from shared.database.pool import Connection


async def insert_token(
    connection: Connection, jti: uuid.UUID, uid: str, purpose: str, expires_at: datetime
) -> None:
    """Notes that a token was sent."""
    await connection.execute(
        """
        INSERT INTO mail_tokens (jti, uid, purpose, expires_at)
        VALUES ($1, $2, $3, $4)
        """,
        jti,
        uid,
        purpose,
        expires_at,
    )


async def expiry_of(
    connection: Connection, jti: uuid.UUID, uid: str, purpose: str
) -> datetime | None:
    """When this token expires; None where it was used or revoked."""
    expires_at: datetime | None = await connection.fetchval(
        """
        SELECT expires_at
        FROM mail_tokens
        WHERE jti = $1
          AND uid = $2
          AND purpose = $3
        """,
        jti,
        uid,
        purpose,
    )
    return expires_at


async def token_exists(connection: Connection, jti: uuid.UUID, uid: str, purpose: str) -> bool:
    """Whether this token was neither used nor revoked."""
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT
                FROM mail_tokens
                WHERE jti = $1
                  AND uid = $2
                  AND purpose = $3
            )
            """,
            jti,
            uid,
            purpose,
        )
    )


async def delete_tokens(connection: Connection, uid: str, purposes: Sequence[str]) -> None:
    """Revokes what was sent to a user for these purposes."""
    await connection.execute(
        """
        DELETE FROM mail_tokens
        WHERE uid = $1
          AND purpose = ANY($2)
        """,
        uid,
        purposes,
    )


async def use_tokens(connection: Connection, uid: str, purpose: str) -> None:
    """Uses up all tokens of a user for one purpose, once this transaction commits."""
    await connection.execute(
        """
        WITH used AS (
            DELETE FROM mail_tokens
            WHERE uid = $1
              AND purpose = $2
            RETURNING jti, expires_at
        )
        INSERT INTO used_mail_tokens (jti, expires_at)
        SELECT jti, expires_at
        FROM used
        """,
        uid,
        purpose,
    )


async def use_tokens_since(connection: Connection, uid: str, purpose: str, jti: uuid.UUID) -> None:
    """Uses up this token and those that were sent after it, once this transaction commits."""
    await connection.execute(
        """
        WITH used AS (
            DELETE FROM mail_tokens
            WHERE uid = $1
              AND purpose = $2
              AND expires_at >= (SELECT expires_at FROM mail_tokens WHERE jti = $3)
            RETURNING jti, expires_at
        )
        INSERT INTO used_mail_tokens (jti, expires_at)
        SELECT jti, expires_at
        FROM used
        """,
        uid,
        purpose,
        jti,
    )


async def is_used(connection: Connection, jti: uuid.UUID) -> bool:
    """Whether this token, or another of its purpose, was used after it was sent."""
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (SELECT FROM used_mail_tokens WHERE jti = $1)
            """,
            jti,
        )
    )


async def delete_expired(connection: Connection) -> None:
    """Deletes expired tokens, used or not."""
    for table in ("mail_tokens", "used_mail_tokens"):
        await connection.execute(
            f"""
            DELETE FROM {table}
            WHERE expires_at < now()
            """
        )


async def note_mail(
    connection: Connection, uid: str, kind: str, limits: Sequence[tuple[int, int]]
) -> bool:
    """Whether a mail may go to a locked user; then it is counted. Limits are (mails, seconds)."""
    for mails, seconds in limits:
        sent = await connection.fetchval(
            """
            SELECT count(*)
            FROM mails_sent
            WHERE uid = $1
              AND kind = $2
              AND sent_at > clock_timestamp() - make_interval(secs => $3)
            """,
            uid,
            kind,
            seconds,
        )
        if sent >= mails:
            return False
    await connection.execute(
        """
        INSERT INTO mails_sent (uid, kind)
        VALUES ($1, $2)
        """,
        uid,
        kind,
    )
    return True


async def delete_old_notes(connection: Connection) -> None:
    """Deletes notes of mails that no limit counts any more."""
    await connection.execute(
        """
        DELETE FROM mails_sent
        WHERE sent_at < now() - interval '2 days'
        """
    )
