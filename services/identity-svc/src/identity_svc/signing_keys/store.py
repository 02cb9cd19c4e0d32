"""SQL of signing keys."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from identity_svc.signing_keys.schedule import StoredKey
from shared.database.pool import Connection
from shared.database.reencrypt import SealedColumn

_COLUMNS = "kid, private_key, public_key, active_at, used_at"


def sealed_for(kid: str) -> str:
    """What a private key is bound to where it lies."""
    return f"signing_keys.private_key:{kid}"


SEALED = SealedColumn("signing_keys", "kid", "private_key", sealed_for)
"""The private keys."""


async def lock_keys(connection: Connection) -> None:
    """Waits for whoever changes the keys at this moment."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('signing_keys', 0))")


async def all_keys(connection: Connection) -> tuple[list[StoredKey], datetime]:
    """Every key, the newest first, and what time it is: all instances go by one clock."""
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
) -> datetime:
    """Publishes a key that signs after `delay`; the moment in which it will."""
    active_at: datetime = await connection.fetchval(
        """
        INSERT INTO signing_keys (kid, private_key, public_key, active_at)
        VALUES ($1, $2, $3, clock_timestamp() + $4)
        RETURNING active_at
        """,
        kid,
        private_key,
        public_key,
        delay,
    )
    return active_at


async def activate_key(connection: Connection, kid: str) -> None:
    """Lets a published key sign at once."""
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
    """Forgets keys, and with them whatever they signed."""
    await connection.execute(
        """
        DELETE FROM signing_keys
        WHERE kid = ANY($1)
        """,
        kids,
    )
