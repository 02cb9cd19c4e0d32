"""SQL of API keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from resource_svc.api_keys.models import ACTIVE, INACTIVE, ApiKey, SealedApiKey
from shared.database.pool import Connection, Record
from shared.errors import NotFound

_COLUMNS = "kid, uid, algorithm, scope, state, created_at, updated_at, public_key"


async def insert_api_key(
    connection: Connection,
    uid: str,
    kid: str,
    algorithm: str,
    scope: Sequence[str],
    secret: bytes | None,
    public_key: bytes | None,
) -> ApiKey:
    """The new key, which works at once; it has either a secret or a public key."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO api_keys (uid, kid, algorithm, scope, state, secret, public_key)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        RETURNING {_COLUMNS}
        """,
        uid,
        kid,
        algorithm,
        scope,
        ACTIVE,
        secret,
        public_key,
    )
    return _api_key(row)


async def count_api_keys(connection: Connection, uid: str) -> int:
    """How many keys the user has, in whatever state."""
    return int(
        await connection.fetchval(
            """
            SELECT count(*)
            FROM api_keys
            WHERE uid = $1
            """,
            uid,
        )
    )


async def list_api_keys(connection: Connection, uid: str, limit: int, offset: int) -> list[ApiKey]:
    """Some of the user's keys, the oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM api_keys
        WHERE uid = $1
        ORDER BY id
        LIMIT $2
        OFFSET $3
        """,
        uid,
        limit,
        offset,
    )
    return [_api_key(row) for row in rows]


async def get_sealed(connection: Connection, kid: str) -> SealedApiKey:
    """The key with its secret, of any user; raises `NotFound`."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}, secret
        FROM api_keys
        WHERE kid = $1
        """,
        kid,
    )
    if row is None:
        raise NotFound
    columns = dict(row)
    secret = columns.pop("secret")
    return SealedApiKey(ApiKey(**columns), secret)


async def lock_api_key(connection: Connection, uid: str, kid: str) -> ApiKey:
    """Returns a key of the user's, and locks the row until the transaction ends.

    Raises `NotFound`.
    """
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM api_keys
        WHERE uid = $1 AND kid = $2
        FOR UPDATE
        """,
        uid,
        kid,
    )
    if row is None:
        raise NotFound
    return _api_key(row)


async def update_api_key(
    connection: Connection, kid: str, scope: Sequence[str], state: str
) -> ApiKey:
    """A locked key with another scope and state."""
    row = await connection.fetchrow(
        f"""
        UPDATE api_keys
        SET scope = $2, state = $3, updated_at = now()
        WHERE kid = $1
        RETURNING {_COLUMNS}
        """,
        kid,
        scope,
        state,
    )
    return _api_key(row)


async def deactivate_api_keys(connection: Connection, uid: str) -> list[ApiKey]:
    """Deactivates the user's active keys; the changed ones."""
    rows = await connection.fetch(
        f"""
        UPDATE api_keys
        SET state = $3, updated_at = now()
        WHERE uid = $1 AND state = $2
        RETURNING {_COLUMNS}
        """,
        uid,
        ACTIVE,
        INACTIVE,
    )
    return [_api_key(row) for row in rows]


async def current_time(connection: Connection) -> datetime:
    """The time of PostgreSQL's clock, which also gives the times in tables."""
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return now


async def delete_api_key(connection: Connection, kid: str) -> None:
    """Deletes a locked key."""
    await connection.execute(
        """
        DELETE FROM api_keys
        WHERE kid = $1
        """,
        kid,
    )


async def erase(connection: Connection, uid: str) -> None:
    """Deletes all keys of a user."""
    await connection.execute(
        """
        DELETE FROM api_keys
        WHERE uid = $1
        """,
        uid,
    )


def _api_key(row: Record | Any) -> ApiKey:
    return ApiKey(**row)
