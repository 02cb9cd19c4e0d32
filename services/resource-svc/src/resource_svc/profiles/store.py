"""SQL of profiles."""

from collections.abc import Mapping
from typing import Any

from resource_svc.attachments.table import AttachmentTable
from resource_svc.profiles.models import (
    DRAFTED,
    FIELDS,
    Profile,
    ProfileExists,
    ProfileNotEditable,
)
from shared.contracts.attachments import PROFILES
from shared.database.pool import Connection, Record

PROFILE_TABLE = AttachmentTable(PROFILES, Profile, "profiles", "profile_sets")

_COLUMNS = PROFILE_TABLE.columns
_WRITTEN = f"state, version, {', '.join(FIELDS)}"


async def get_draft(connection: Connection, uid: str) -> Profile:
    """The profile that its user may edit; raises `ProfileNotEditable`."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM profiles
        WHERE uid = $1 AND state = $2
        """,
        uid,
        DRAFTED,
    )
    if row is None:
        raise ProfileNotEditable
    return _profile(row)


async def get_open(connection: Connection, uid: str) -> Profile:
    """The profile that waits for a verdict; raises `ProfileNotEditable`."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS}
        FROM profiles
        WHERE uid = $1 AND state IN ('drafted', 'submitted')
        """,
        uid,
    )
    if row is None:
        raise ProfileNotEditable
    return _profile(row)


async def insert_profile(
    connection: Connection, uid: str, version: int, state: str, written: Mapping[str, Any]
) -> Profile:
    """The new profile; raises `ProfileExists`, after which the transaction may go on."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO profiles (uid, {_WRITTEN})
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (uid) WHERE state IN ('drafted', 'submitted') DO NOTHING
        RETURNING {_COLUMNS}
        """,
        uid,
        state,
        version,
        *(written.get(name) for name in FIELDS),
    )
    if row is None:
        raise ProfileExists
    return _profile(row)


async def update_profile(connection: Connection, profile: Profile, version: int) -> Profile:
    """The profile with these values."""
    row = await connection.fetchrow(
        f"""
        UPDATE profiles
        SET ({_WRITTEN}, updated_at) = ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now())
        WHERE id = $1
        RETURNING {_COLUMNS}
        """,
        profile.id,
        profile.state,
        version,
        *(getattr(profile, name) for name in FIELDS),
    )
    return _profile(row)


def _profile(row: Record | Any) -> Profile:
    return Profile(**row)
