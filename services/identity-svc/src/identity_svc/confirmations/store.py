"""SQL of confirmations."""

from shared.database.pool import Connection


async def note_email_confirmed(connection: Connection, uid: str) -> None:
    """Notes that the user has shown to read his mail."""
    await connection.execute(
        """
        UPDATE users
        SET email_confirmed_at = now()
        WHERE uid = $1
        """,
        uid,
    )
