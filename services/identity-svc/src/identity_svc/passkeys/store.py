"""SQL of passkeys, and of the challenges that were handed out."""

import uuid
from datetime import datetime
from typing import Any

import asyncpg

from identity_svc.passkeys.models import (
    CHALLENGE_SECONDS,
    Challenge,
    NewPasskey,
    Passkey,
    PasskeyTaken,
    Purpose,
    UsedPasskey,
)
from shared.database.pool import Connection

_COLUMNS = """
    id, uid, credential_id, public_key, sign_count, aaguid, transports, backup_eligible, backed_up,
    name, created_at, used_at
"""


async def insert_challenge(
    connection: Connection, digest: bytes, purpose: Purpose, uid: str | None, sid: uuid.UUID | None
) -> None:
    """Notes that a challenge was handed out."""
    await connection.execute(
        """
        INSERT INTO passkey_challenges (digest, purpose, uid, sid, expires_at)
        VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
        """,
        digest,
        purpose,
        uid,
        sid,
        CHALLENGE_SECONDS,
    )


async def use_challenge(
    connection: Connection, digest: bytes, value: bytes, purpose: Purpose
) -> Challenge | None:
    """The challenge that was answered; of simultaneous answers only one gets it."""
    row = await connection.fetchrow(
        """
        DELETE FROM passkey_challenges
        WHERE digest = $1
          AND purpose = $2
          AND expires_at > now()
        RETURNING uid, sid
        """,
        digest,
        purpose,
    )
    return Challenge(value, row["uid"], row["sid"]) if row else None


async def delete_expired_challenges(connection: Connection) -> None:
    """Deletes challenges that nobody may answer any more."""
    await connection.execute(
        """
        DELETE FROM passkey_challenges
        WHERE expires_at < now()
        """
    )


async def insert_passkey(
    connection: Connection, uid: str, new: NewPasskey, name: str, sid: uuid.UUID
) -> Passkey:
    """The new passkey of a locked user; raises `PasskeyTaken`: the transaction is lost."""
    try:
        row = await connection.fetchrow(
            f"""
            INSERT INTO passkeys (
                id, uid, credential_id, public_key, sign_count, aaguid, transports,
                backup_eligible, backed_up, name, added_in
            )
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            RETURNING {_COLUMNS}
            """,
            uuid.uuid4(),
            uid,
            new.credential_id,
            new.public_key,
            new.sign_count,
            new.aaguid,
            new.transports,
            new.backup_eligible,
            new.backed_up,
            name,
            sid,
        )
    except asyncpg.UniqueViolationError:
        raise PasskeyTaken from None
    return _passkey(row)


async def list_passkeys(connection: Connection, uid: str) -> list[Passkey]:
    """The passkeys of a user, the oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM passkeys
        WHERE uid = $1
        ORDER BY created_at, id
        """,
        uid,
    )
    return [_passkey(row) for row in rows]


async def find_by_credential(connection: Connection, credential_id: bytes) -> Passkey | None:
    """The passkey with this credential id, whoever has it."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM passkeys
        WHERE credential_id = $1
        """,
        credential_id,
    )
    return _passkey(row) if row else None


async def note_use(connection: Connection, used: UsedPasskey) -> bool:
    """Notes the use of a passkey.

    False where its counter did not grow since the last use, or the passkey is gone. Of simultaneous
    uses with the same counter only one gets true.
    """
    status = await connection.execute(
        """
        UPDATE passkeys
        SET sign_count = $2, backed_up = $3, used_at = now()
        WHERE id = $1
          AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))
        """,
        used.passkey.id,
        used.sign_count,
        used.backed_up,
    )
    return status == "UPDATE 1"


async def passkey_exists(connection: Connection, passkey: uuid.UUID) -> bool:
    """Whether there is still such a passkey."""
    return bool(
        await connection.fetchval("SELECT EXISTS (SELECT FROM passkeys WHERE id = $1)", passkey)
    )


async def rename_passkey(
    connection: Connection,
    uid: str,
    passkey: uuid.UUID,
    name: str,
) -> tuple[Passkey, str] | None:
    """The passkey with another name, and the name before; None without such a passkey."""
    row = await connection.fetchrow(
        f"""
        UPDATE passkeys
        SET name = $3
        FROM (SELECT id AS old_id, name AS old_name FROM passkeys WHERE id = $2 FOR UPDATE) AS old
        WHERE passkeys.id = old.old_id
          AND uid = $1
        RETURNING {_COLUMNS}, old_name
        """,
        uid,
        passkey,
        name,
    )
    return (_passkey(row), row["old_name"]) if row else None


async def delete_passkey(
    connection: Connection,
    uid: str,
    passkey: uuid.UUID,
) -> Passkey | None:
    """Deletes a passkey of a user; None where they have no such passkey."""
    row = await connection.fetchrow(
        f"""
        DELETE FROM passkeys
        WHERE id = $2
          AND uid = $1
        RETURNING {_COLUMNS}
        """,
        uid,
        passkey,
    )
    return _passkey(row) if row else None


async def delete_all_but(connection: Connection, uid: str, sid: uuid.UUID | None) -> list[Passkey]:
    """Deletes the passkeys of a user that were not added in this session."""
    rows = await connection.fetch(
        f"""
        DELETE FROM passkeys
        WHERE uid = $1
          AND added_in IS DISTINCT FROM $2
        RETURNING {_COLUMNS}
        """,
        uid,
        sid,
    )
    return [_passkey(row) for row in rows]


async def delete_added_since(connection: Connection, uid: str, moment: datetime) -> list[Passkey]:
    """Deletes the passkeys of a user that were added at this moment or later."""
    rows = await connection.fetch(
        f"""
        DELETE FROM passkeys
        WHERE uid = $1
          AND created_at >= $2
        RETURNING {_COLUMNS}
        """,
        uid,
        moment,
    )
    return [_passkey(row) for row in rows]


def _passkey(row: Any) -> Passkey:
    values = {name: row[name] for name in _NAMES}
    return Passkey(**{**values, "transports": tuple(row["transports"])})


_NAMES = tuple(name.strip() for name in _COLUMNS.split(","))
