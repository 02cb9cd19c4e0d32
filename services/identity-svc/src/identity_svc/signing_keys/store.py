"""SQL of signing keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from identity_svc.signing_keys.models import StoredKey
from shared.database.pool import Connection

_COLUMNS = "kid, private_key, public_key, active_at, used_at, algorithm"


async def lock_keys(connection: Connection) -> None:
    """Locks the keys until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('signing_keys', 0))")


async def list_keys(connection: Connection) -> tuple[list[StoredKey], datetime]:
    """Every key, the newest first, and the time of the database, by which all instances go."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM signing_keys
        ORDER BY active_at DESC, kid
        """
    )
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return [StoredKey(**row) for row in rows], now


async def insert_key(
    connection: Connection,
    kid: str,
    *,
    private_key: bytes | None = None,
    public_key: bytes | None = None,
    delay: timedelta,
    algorithm: str,
) -> datetime:
    """Publishes a key that signs after `delay`; returns when it will."""
    active_at: datetime = await connection.fetchval(
        """
        INSERT INTO signing_keys (kid, private_key, public_key, active_at, algorithm)
        VALUES ($1, $2, $3, clock_timestamp() + $4, $5)
        RETURNING active_at
        """,
        kid,
        private_key,
        public_key,
        delay,
        algorithm,
    )
    return active_at


async def activate_key(connection: Connection, kid: str) -> None:
    """Makes a published key sign from now on."""
    await connection.execute(
        """
        UPDATE signing_keys
        SET active_at = least(active_at, clock_timestamp())
        WHERE kid = $1
        """,
        kid,
    )


async def note_use(connection: Connection, kid: str) -> None:
    """Notes that a key signs."""
    await connection.execute(
        """
        UPDATE signing_keys
        SET used_at = clock_timestamp()
        WHERE kid = $1
        """,
        kid,
    )


async def delete_keys(connection: Connection, kids: Sequence[str]) -> None:
    """Deletes keys; signatures of theirs no longer verify."""
    await connection.execute(
        """
        DELETE FROM signing_keys
        WHERE kid = ANY($1)
        """,
        kids,
    )
