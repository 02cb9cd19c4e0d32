"""SQL of profiles."""

from collections.abc import Mapping, Sequence
from typing import Any

from resource_svc.attachments.rows import select_sets
from resource_svc.profiles.errors import ProfileExists, ProfileNotEditable
from resource_svc.profiles.profile import DRAFTED, FIELDS, Profile
from shared.contracts.attachments import PROFILES, AttachmentSet
from shared.database.pool import Connection, Record

_COLUMNS = f"id, uid, state, {', '.join(FIELDS)}, version, created_at, updated_at"
_WRITTEN = f"state, version, {', '.join(FIELDS)}"


async def next_version(connection: Connection, uid: str) -> int:
    """Counts a change, and keeps everyone else from this user's profiles until it is done."""
    return int(
        await connection.fetchval(
            """
            INSERT INTO profile_sets (uid, version)
            VALUES ($1, 1)
            ON CONFLICT (uid) DO UPDATE
            SET version = profile_sets.version + 1
            RETURNING version
            """,
            uid,
        )
    )


async def profiles_of(connection: Connection, uid: str) -> list[Profile]:
    """All profiles of a user, the oldest first."""
    rows = await connection.fetch(
        f"""
        SELECT {_COLUMNS}
        FROM profiles
        WHERE uid = $1
        ORDER BY id
        """,
        uid,
    )
    return [_profile(row) for row in rows]


async def draft_of(connection: Connection, uid: str) -> Profile:
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


async def open_profile_of(connection: Connection, uid: str) -> Profile:
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
    """The profile as it is kept now."""
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


async def sets_of(connection: Connection, uids: Sequence[str]) -> list[AttachmentSet]:
    """All profiles of each of these users, as the directory is told of them."""
    return await select_sets(connection, PROFILES, "profile_sets", "profiles", _COLUMNS, uids)


async def erase(connection: Connection, uid: str) -> None:
    """Deletes all profiles of a user."""
    for table in ("profiles", "profile_sets"):
        await connection.execute(
            f"""
            DELETE FROM {table}
            WHERE uid = $1
            """,
            uid,
        )


def _profile(row: Record | Any) -> Profile:
    return Profile(**row)
