"""SQL of API keys."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from resource_svc.api_keys.api_key import ACTIVE, INACTIVE, ApiKey
from shared.database.pool import Connection, Record
from shared.errors import NotFound

_COLUMNS = "kid, uid, algorithm, scope, state, created_at, updated_at, public_key"


@dataclass(frozen=True, slots=True)
class SealedApiKey:
    """An API key, and its secret as it lies in the table; None where it has a public key."""

    key: ApiKey
    secret: bytes | None = field(repr=False)


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


async def number_of_api_keys(connection: Connection, uid: str) -> int:
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


async def api_keys_of(connection: Connection, uid: str, limit: int, offset: int) -> list[ApiKey]:
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


async def sealed_api_key(connection: Connection, kid: str) -> SealedApiKey:
    """The key with its secret, whoever's it is; raises `NotFound`."""
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
    """A key of the user's, which nobody else changes until the transaction ends.

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


async def set_api_key(connection: Connection, kid: str, scope: Sequence[str], state: str) -> ApiKey:
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
    """The user's keys that worked, as they are now."""
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


async def moment(connection: Connection) -> datetime:
    """This moment, by the clock that the table's moments are of."""
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return now


async def api_keys_ended_at(connection: Connection, uid: str) -> datetime | None:
    """When all keys of the user ended last."""
    ended: datetime | None = await connection.fetchval(
        """
        SELECT api_keys_ended_at
        FROM users
        WHERE uid = $1
        """,
        uid,
    )
    return ended


async def note_api_keys_ended(connection: Connection, uid: str) -> None:
    """All keys of a locked user end now."""
    await connection.execute(
        """
        UPDATE users
        SET api_keys_ended_at = clock_timestamp()
        WHERE uid = $1
        """,
        uid,
    )


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
