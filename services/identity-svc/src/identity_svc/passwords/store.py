"""SQL of passwords."""

from dataclasses import dataclass, field
from typing import Any

from identity_svc.users.rows import COLUMNS, user_of
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection
from shared.errors import UserNotActive


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and the digest of his password; `version` grows with every new password."""

    user: User
    digest: str = field(repr=False)
    version: int


async def credentials_by_email(
    connection: Connection, email: str
) -> tuple[Credentials | None, int | None]:
    """The credentials of who has this e-mail, in whatever case.

    With them the cost of the slowest bcrypt digest there is, None when there is none.
    """
    row: Any = await connection.fetchrow(
        rf"""
        SELECT password_digest, password_version, {COLUMNS}, bcrypt.cost
        FROM (
            SELECT max(substr(password_digest, 5, 2)) AS cost
            FROM users
            WHERE password_digest ~ '^\$2[aby]\$\d\d\$'
        ) AS bcrypt
        LEFT JOIN users ON lower(users.email) = lower($1)
        """,
        email,
    )
    cost = int(row["cost"]) if row["cost"] else None
    return (_credentials_of(row) if row["uid"] else None), cost


async def credentials_by_uid(connection: Connection, uid: str) -> Credentials | None:
    """The credentials of a user."""
    row = await connection.fetchrow(
        f"""
        SELECT password_digest, password_version, {COLUMNS}
        FROM users
        WHERE uid = $1
        """,
        uid,
    )
    return _credentials_of(row) if row else None


async def replace_digest(connection: Connection, uid: str, old: str, new: str) -> None:
    """Keeps the same password in another way, unless it changed meanwhile."""
    await connection.execute(
        """
        UPDATE users
        SET password_digest = $3
        WHERE uid = $1
          AND password_digest = $2
        """,
        uid,
        old,
        new,
    )


async def set_password(connection: Connection, uid: str, digest: str) -> User:
    """The user with another password."""
    row = await connection.fetchrow(
        f"""
        UPDATE users
        SET password_digest = $2, password_version = password_version + 1,
            version = version + 1, updated_at = now()
        WHERE uid = $1
        RETURNING {COLUMNS}
        """,
        uid,
        digest,
    )
    return user_of(row)


async def lock_password(connection: Connection, uid: str, version: int) -> bool:
    """Whether the password is still that of `version`, and stays so in this transaction.

    Raises `UserNotActive` for who may not act any more.
    """
    row = await connection.fetchrow(
        """
        SELECT state
        FROM users
        WHERE uid = $1
          AND password_version = $2
        FOR UPDATE
        """,
        uid,
        version,
    )
    if row is not None and row["state"] not in MAY_ACT:
        raise UserNotActive
    return row is not None


def _credentials_of(row: Any) -> Credentials:
    return Credentials(user_of(row), row["password_digest"], row["password_version"])
