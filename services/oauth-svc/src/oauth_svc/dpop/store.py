"""The table of used proofs."""

from datetime import timedelta

from shared.database.pool import Connection


async def use(connection: Connection, identity: bytes, life: timedelta) -> bool:
    """Uses up a proof; whether nobody had used it."""
    status = await connection.execute(
        """
        INSERT INTO dpop_proofs (identity, expires_at)
        VALUES ($1, now() + $2::interval)
        ON CONFLICT DO NOTHING
        """,
        identity,
        life,
    )
    return status == "INSERT 0 1"


async def delete_expired(connection: Connection) -> None:
    """Deletes proofs that would be refused by now anyhow."""
    await connection.execute("DELETE FROM dpop_proofs WHERE expires_at < now()")
