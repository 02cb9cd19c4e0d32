"""The table of whitelinks."""

from datetime import timedelta

from shared.database.pool import Connection


async def insert_whitelink(connection: Connection, digest: bytes, lifetime: timedelta) -> None:
    """Adds a whitelink that expires after `lifetime`."""
    await connection.execute(
        """
        INSERT INTO whitelinks (digest, expires_at)
        VALUES ($1, now() + $2)
        """,
        digest,
        lifetime,
    )


async def delete_expired(connection: Connection) -> None:
    """Deletes expired whitelinks."""
    await connection.execute(
        """
        DELETE FROM whitelinks
        WHERE expires_at <= now()
        """
    )


async def is_alive(connection: Connection, digest: bytes) -> bool:
    """Whether there is a whitelink of this digest that has not expired."""
    alive: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM whitelinks WHERE digest = $1 AND expires_at > now())", digest
    )
    return alive
