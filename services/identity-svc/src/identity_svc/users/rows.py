"""Users as rows, for every room whose changes concern an account."""

from typing import Any

from shared.contracts.users import User
from shared.database.pool import Connection

COLUMNS = ", ".join(f"users.{name}" for name in User.__slots__)
"""What to select for `user_of`."""


def user_of(row: Any) -> User:
    """The user of a row that has all `COLUMNS`."""
    return User(**{name: row[name] for name in User.__slots__})


async def lock_user_by_email(connection: Connection, email: str) -> User | None:
    """The user with this e-mail, in whatever case, whom nobody else changes meanwhile."""
    row = await connection.fetchrow(
        f"""
        SELECT {COLUMNS}
        FROM users
        WHERE lower(email) = lower($1)
        FOR UPDATE
        """,
        email,
    )
    return user_of(row) if row else None


async def lock_user_by_uid(connection: Connection, uid: str) -> User | None:
    """The user, whom nobody else changes until the transaction ends."""
    row = await connection.fetchrow(
        f"""
        SELECT {COLUMNS}
        FROM users
        WHERE uid = $1
        FOR UPDATE
        """,
        uid,
    )
    return user_of(row) if row else None
