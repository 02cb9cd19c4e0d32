"""SQL of mail tokens."""

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


async def token_exists(connection: Connection, jti: uuid.UUID, uid: str, purpose: str) -> bool:
    """Whether this token has not been used, nor taken back."""
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
    """Takes back what was sent to a user for these purposes."""
    await connection.execute(
        """
        DELETE FROM mail_tokens
        WHERE uid = $1
          AND purpose = ANY($2)
        """,
        uid,
        purposes,
    )


async def use_token(connection: Connection, jti: uuid.UUID, uid: str, purpose: str) -> bool:
    """Whether this token still works; it does not any more once this transaction commits."""
    status = await connection.execute(
        """
        DELETE FROM mail_tokens
        WHERE jti = $1
          AND uid = $2
          AND purpose = $3
        """,
        jti,
        uid,
        purpose,
    )
    return status == "DELETE 1"


async def delete_expired(connection: Connection) -> None:
    """Forgets tokens that nobody used in time."""
    await connection.execute(
        """
        DELETE FROM mail_tokens
        WHERE expires_at < now()
        """
    )
