"""The tables of grants, codes and refresh tokens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from oauth_svc.protocol.redemption import BoundCode
from oauth_svc.tokens.models import Grant, StoredCode, StoredRefreshToken
from shared.database.pool import Connection

_GRANT = (
    *("id", "client_id", "uid", "sid", "scopes", "resources", "auth_time", "acr", "amr"),
    *("nonce", "claims", "expires_at", "revoked_at", "parent_id"),
)
_COLUMNS = ", ".join(f"grants.{name}" for name in _GRANT)


async def insert_grant(connection: Connection, grant: Grant) -> None:
    """Adds a grant."""
    columns = [name for name in _GRANT if name != "revoked_at"]
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    await connection.execute(
        f"INSERT INTO grants ({', '.join(columns)}) VALUES ({places})",
        *(_value(getattr(grant, name)) for name in columns),
    )


async def find_grant(connection: Connection, grant_id: UUID) -> Grant | None:
    """The grant; None without one."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM grants WHERE id = $1", grant_id)
    return None if row is None else _grant(row)


async def find_living_grants(connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Grant]:
    """Those of these grants that were not revoked, by id."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM grants WHERE id = ANY ($1::uuid[]) AND revoked_at IS NULL", ids
    )
    return {row["id"]: _grant(row) for row in rows}


async def lock_grant(connection: Connection, grant_id: UUID) -> bool:
    """Whether the grant is in force; it stays so until the transaction ends."""
    found: bool | None = await connection.fetchval(
        "SELECT revoked_at IS NULL FROM grants WHERE id = $1 FOR SHARE", grant_id
    )
    return bool(found)


async def insert_code(
    connection: Connection, digest: bytes, grant_id: UUID, bound: BoundCode
) -> None:
    """Adds a code."""
    await connection.execute(
        """
        INSERT INTO codes (
            digest, grant_id, client_id, redirect_uri, code_challenge, expires_at, jkt
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        digest,
        grant_id,
        bound.client_id,
        bound.redirect_uri,
        bound.code_challenge,
        bound.expires_at,
        bound.thumbprint,
    )


async def find_code(connection: Connection, digest: bytes) -> StoredCode | None:
    """The code; None without one."""
    row = await connection.fetchrow(
        f"""
        SELECT redirect_uri, code_challenge, codes.client_id AS bound_client_id,
               codes.expires_at AS code_expires_at, codes.used_at, codes.jkt, {_COLUMNS}
        FROM codes
        JOIN grants ON grants.id = grant_id
        WHERE digest = $1
        """,
        digest,
    )
    if row is None:
        return None
    bound = BoundCode(
        client_id=row["bound_client_id"],
        redirect_uri=row["redirect_uri"],
        code_challenge=row["code_challenge"],
        expires_at=row["code_expires_at"],
        thumbprint=row["jkt"],
    )
    return StoredCode(bound=bound, grant=_grant(row), used=row["used_at"] is not None)


async def use_code(connection: Connection, digest: bytes) -> bool:
    """Uses up a code; whether nobody had used it."""
    status = await connection.execute(
        """
        UPDATE codes
        SET used_at = now()
        WHERE digest = $1
          AND used_at IS NULL
        """,
        digest,
    )
    return status == "UPDATE 1"


async def insert_refresh_token(
    connection: Connection,
    digest: bytes,
    grant_id: UUID,
    expires_at: datetime,
    thumbprint: str | None,
) -> None:
    """Adds a refresh token."""
    await connection.execute(
        """
        INSERT INTO refresh_tokens (digest, grant_id, expires_at, jkt)
        VALUES ($1, $2, $3, $4)
        """,
        digest,
        grant_id,
        expires_at,
        thumbprint,
    )


async def find_refresh_token(
    connection: Connection, digest: bytes, *, for_update: bool = False
) -> StoredRefreshToken | None:
    """The refresh token; None without one. `for_update` locks the grant."""
    row = await connection.fetchrow(
        f"""
        SELECT refresh_tokens.expires_at AS token_expires_at, used_at, jkt, {_COLUMNS}
        FROM refresh_tokens
        JOIN grants ON grants.id = grant_id
        WHERE digest = $1
        {"FOR UPDATE" if for_update else ""}
        """,
        digest,
    )
    if row is None:
        return None
    return StoredRefreshToken(
        grant=_grant(row),
        expires_at=row["token_expires_at"],
        used_at=row["used_at"],
        thumbprint=row["jkt"],
    )


async def use_refresh_token(connection: Connection, digest: bytes, now: datetime) -> None:
    """Stores the first use."""
    await connection.execute(
        """
        UPDATE refresh_tokens
        SET used_at = $2
        WHERE digest = $1
          AND used_at IS NULL
        """,
        digest,
        now,
    )


async def revoke(
    connection: Connection,
    *,
    grant_id: UUID | None = None,
    uid: str | None = None,
    client_id: str | None = None,
    sid: str | None = None,
    online_only: bool = False,
) -> Sequence[Grant]:
    """Revokes the living grants that meet all given conditions, and the grants made of them.

    Returns all of them. `online_only`: those without offline access.
    """
    rows = await connection.fetch(
        f"""
        UPDATE grants
        SET revoked_at = now()
        WHERE revoked_at IS NULL
          AND ($1::uuid IS NULL OR id = $1)
          AND ($2::text IS NULL OR uid = $2)
          AND ($3::text IS NULL OR client_id = $3)
          AND ($4::text IS NULL OR sid = $4)
          AND NOT ($5 AND 'offline_access' = ANY (scopes))
          AND coalesce($1::text, $2, $3, $4) IS NOT NULL
        RETURNING {_COLUMNS}
        """,
        grant_id,
        uid,
        client_id,
        sid,
        online_only,
    )
    revoked = list(rows)
    while rows:
        # Each statement sees what was added before the one before it got its locks.
        rows = await connection.fetch(
            f"""
            UPDATE grants
            SET revoked_at = now()
            WHERE revoked_at IS NULL
              AND parent_id = ANY ($1)
            RETURNING {_COLUMNS}
            """,
            [row["id"] for row in rows],
        )
        revoked += rows
    return [_grant(row) for row in revoked]


async def clients_of_session(
    connection: Connection, uid: str, sid: str | None
) -> Sequence[tuple[str, str]]:
    """The clients and sessions for which a user was given grants, in one session or in all."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT client_id, sid
        FROM grants
        WHERE uid = $1
          AND sid IS NOT NULL
          AND ($2::text IS NULL OR sid = $2)
        """,
        uid,
        sid,
    )
    return [(row["client_id"], row["sid"]) for row in rows]


async def delete_user(connection: Connection, uid: str) -> None:
    """Deletes what a user had authorized."""
    await connection.execute("DELETE FROM grants WHERE uid = $1", uid)


async def delete_expired(connection: Connection, limit: int) -> int:
    """Deletes at most `limit` grants whose tokens ended 30 days ago; returns their number.

    Until then the session in which they were given may go on, and its end is sent to clients.
    """
    status = await connection.execute(
        """
        DELETE FROM grants
        WHERE id IN (
            SELECT id
            FROM grants
            WHERE expires_at < now() - interval '30 days'
            LIMIT $1
        )
        """,
        limit,
    )
    return int(status.rpartition(" ")[2])


async def delete_expired_refresh_tokens(connection: Connection, limit: int) -> int:
    """Deletes at most `limit` refresh tokens that have expired; returns their number.

    A grant of a year would otherwise keep each of the tokens that were rotated in it.
    """
    status = await connection.execute(
        """
        DELETE FROM refresh_tokens
        WHERE digest IN (
            SELECT digest
            FROM refresh_tokens
            WHERE expires_at < now()
            LIMIT $1
        )
        """,
        limit,
    )
    return int(status.rpartition(" ")[2])


def _grant(row: Any) -> Grant:
    return Grant(**{name: row[name] for name in _GRANT})


def _value(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
