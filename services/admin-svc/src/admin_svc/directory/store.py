"""The table of users."""

from dataclasses import fields
from typing import Any

from admin_svc.directory.filter import UserFilter
from shared.contracts.users import User
from shared.database.pool import Connection

_CONDITIONS = {
    "uid": "uid = ${}",
    "email": "lower(email) = lower(${})",
    "role": "role = ${}",
    "level": "level = ${}",
    "state": "state = ${}",
    "created_from": "created_at >= ${}",
    "created_to": "created_at < ${}",
    "updated_from": "updated_at >= ${}",
    "updated_to": "updated_at < ${}",
}
"""What each field of a filter asks for; only the fields that are set make it into a statement."""


async def upsert_user(connection: Connection, user: User) -> None:
    """Keeps the user, unless the same or a newer version is there."""
    await connection.execute(
        """
        INSERT INTO users (
            uid, version, email, role, level, otp, state, referral_uid, data, created_at, updated_at
        )
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (uid) DO UPDATE
        SET version = excluded.version,
            email = excluded.email,
            role = excluded.role,
            level = excluded.level,
            otp = excluded.otp,
            state = excluded.state,
            referral_uid = excluded.referral_uid,
            data = excluded.data,
            created_at = excluded.created_at,
            updated_at = excluded.updated_at
        WHERE users.version < excluded.version
        """,
        user.uid,
        user.version,
        user.email,
        user.role,
        user.level,
        user.otp,
        user.state,
        user.referral_uid,
        user.data,
        user.created_at,
        user.updated_at,
    )


async def select_users(
    connection: Connection, wanted: UserFilter, limit: int, offset: int
) -> list[User]:
    """Users in the order in which they signed up, or were last changed if that is looked for."""
    where, values = _where(wanted)
    by_update = wanted.updated_from is not None or wanted.updated_to is not None
    order = "updated_at, uid" if by_update else "created_at, uid"
    rows = await connection.fetch(
        f"""
        SELECT
            uid, version, email, role, level, otp, state, referral_uid, data, created_at, updated_at
        FROM users
        WHERE {where}
        ORDER BY {order}
        LIMIT ${len(values) + 1}
        OFFSET ${len(values) + 2}
        """,
        *values,
        limit,
        offset,
    )
    return [User(**row) for row in rows]


async def count_users(connection: Connection, wanted: UserFilter) -> int:
    """How many users the filter lets pass."""
    where, values = _where(wanted)
    total: int = await connection.fetchval(f"SELECT count(*) FROM users WHERE {where}", *values)
    return total


def _where(wanted: UserFilter) -> tuple[str, list[Any]]:
    """The condition, in fixed words and numbered arguments, and these arguments."""
    asked = {field.name: getattr(wanted, field.name) for field in fields(wanted)}
    given = {name: value for name, value in asked.items() if value is not None}
    conditions = (_CONDITIONS[name].format(number) for number, name in enumerate(given, 1))
    return " AND ".join(conditions) or "true", list(given.values())
