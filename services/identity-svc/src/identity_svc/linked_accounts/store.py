"""SQL of linked accounts."""

import uuid
from typing import Any

import asyncpg

from identity_svc.linked_accounts.models import LinkedAccount, LinkedAccountTaken
from identity_svc.openid_providers.models import Identity
from shared.database.pool import Connection

_COLUMNS = "id, uid, issuer, subject, email, created_at, used_at"


async def insert(
    connection: Connection, uid: str, identity: Identity, sid: uuid.UUID | None, *, used: bool
) -> LinkedAccount:
    """A new linked account of a locked user.

    Raises `LinkedAccountTaken`: the transaction is lost.
    """
    try:
        row = await connection.fetchrow(
            f"""
            INSERT INTO linked_accounts (id, uid, issuer, subject, email, added_in, used_at)
            VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7 THEN now() END)
            RETURNING {_COLUMNS}
            """,
            uuid.uuid4(),
            uid,
            identity.issuer,
            identity.subject,
            identity.email,
            sid,
            used,
        )
    except asyncpg.UniqueViolationError:
        raise LinkedAccountTaken from None
    return _account(row)


async def find(connection: Connection, issuer: str, subject: str) -> LinkedAccount | None:
    """The linked account of this subject, whoever has it."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM linked_accounts
        WHERE issuer = $1
          AND subject = $2
        """,
        issuer,
        subject,
    )
    return _account(row) if row else None


async def note_use(connection: Connection, uid: str, issuer: str, subject: str) -> bool:
    """Whether the user has this linked account, whose use is noted."""
    status = await connection.execute(
        """
        UPDATE linked_accounts
        SET used_at = now()
        WHERE issuer = $2
          AND subject = $3
          AND uid = $1
        """,
        uid,
        issuer,
        subject,
    )
    return status == "UPDATE 1"


async def list_accounts(connection: Connection, uid: str) -> list[LinkedAccount]:
    """The linked accounts of a user, the oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM linked_accounts
        WHERE uid = $1
        ORDER BY created_at, id
        """,
        uid,
    )
    return [_account(row) for row in rows]


async def count(connection: Connection, uid: str) -> int:
    """How many linked accounts the user has."""
    found: int = await connection.fetchval(
        """
        SELECT count(*)
        FROM linked_accounts
        WHERE uid = $1
        """,
        uid,
    )
    return found


async def delete(connection: Connection, uid: str, account: uuid.UUID) -> LinkedAccount | None:
    """Deletes a linked account of a user; None where they have no such account."""
    row = await connection.fetchrow(
        f"""
        DELETE FROM linked_accounts
        WHERE id = $2
          AND uid = $1
        RETURNING {_COLUMNS}
        """,
        uid,
        account,
    )
    return _account(row) if row else None


async def delete_all_but(
    connection: Connection, uid: str, sid: uuid.UUID | None
) -> list[LinkedAccount]:
    """Deletes the linked accounts of a user that were not linked in this session."""
    rows = await connection.fetch(
        f"""
        DELETE FROM linked_accounts
        WHERE uid = $1
          AND (added_in IS NULL OR added_in IS DISTINCT FROM $2)
        RETURNING {_COLUMNS}
        """,
        uid,
        sid,
    )
    return [_account(row) for row in rows]


def _account(row: Any) -> LinkedAccount:
    return LinkedAccount(**row)
