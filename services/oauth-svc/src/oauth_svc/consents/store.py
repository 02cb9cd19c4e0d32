"""The table of consents."""

from collections.abc import Sequence
from typing import Any

from oauth_svc.consents.models import Consent
from shared.database.pool import Connection

_COLUMNS = """
    consents.uid, consents.client_id, coalesce(document_key, consents.client_id) AS reference,
    clients.name AS client_name, consents.scopes,
    consents.created_at, consents.updated_at
"""


async def find_scopes(connection: Connection, uid: str, client_id: str) -> Sequence[str]:
    """The scopes that the user allows the client; empty without a consent."""
    scopes = await connection.fetchval(
        "SELECT scopes FROM consents WHERE uid = $1 AND client_id = $2", uid, client_id
    )
    return scopes or ()


async def upsert(
    connection: Connection, uid: str, client_id: str, scopes: Sequence[str]
) -> Sequence[str]:
    """Adds scopes to a consent; returns all."""
    all_scopes: Sequence[str] = await connection.fetchval(
        """
        INSERT INTO consents (uid, client_id, scopes)
        VALUES ($1, $2, $3)
        ON CONFLICT (uid, client_id) DO UPDATE
        SET scopes = ARRAY(SELECT DISTINCT unnest(consents.scopes || excluded.scopes)),
            updated_at = now()
        RETURNING scopes
        """,
        uid,
        client_id,
        list(scopes),
    )
    return all_scopes


async def select_page(
    connection: Connection,
    limit: int,
    offset: int,
    *,
    uid: str | None = None,
    client_id: str | None = None,
) -> tuple[list[Consent], int]:
    """One page of the consents of a user, or to a client, and the number of all."""
    where = """
        ($1::text IS NULL OR consents.uid = $1)
        AND ($2::text IS NULL OR consents.client_id = $2)
    """
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM consents
        JOIN clients USING (client_id)
        WHERE {where}
        ORDER BY consents.created_at, consents.uid, consents.client_id
        LIMIT $3
        OFFSET $4
        """,
        uid,
        client_id,
        limit,
        offset,
    )
    total: int = await connection.fetchval(
        f"SELECT count(*) FROM consents WHERE {where}", uid, client_id
    )
    return [_consent(row) for row in rows], total


async def delete(connection: Connection, uid: str, client_id: str) -> Sequence[str] | None:
    """Deletes a consent; the scopes that it had, None without one."""
    scopes: Sequence[str] | None = await connection.fetchval(
        "DELETE FROM consents WHERE uid = $1 AND client_id = $2 RETURNING scopes", uid, client_id
    )
    return scopes


async def delete_user(connection: Connection, uid: str) -> None:
    """Deletes all consents of a user."""
    await connection.execute("DELETE FROM consents WHERE uid = $1", uid)


def _consent(row: Any) -> Consent:
    return Consent(**dict(row))
