"""SQL of accounts."""

from dataclasses import dataclass

import asyncpg

from identity_svc.users.errors import EmailTaken, UidTaken, UserNotFound
from identity_svc.users.rows import COLUMNS, user_of
from shared.contracts.users import User
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUser:
    """What an account begins with."""

    uid: str
    email: str
    password_digest: str
    role: str = "member"
    level: int = 0
    state: str = "pending"
    referral_uid: str | None = None
    data: str | None = None
    email_confirmed: bool = False


async def insert_user(connection: Connection, new: NewUser) -> User:
    """The new user; raises `EmailTaken` or `UidTaken`, after which the transaction is lost."""
    try:
        row = await connection.fetchrow(
            f"""
            INSERT INTO users (
                uid, email, password_digest, role, level, state, referral_uid, data,
                email_confirmed_at
            )
            SELECT $1, $2, $3, $4, $5, $6, $7, $8, CASE WHEN $9 THEN now() END
            WHERE NOT EXISTS (SELECT FROM erased_users WHERE uid = $1)
            RETURNING {COLUMNS}
            """,
            new.uid,
            new.email,
            new.password_digest,
            new.role,
            new.level,
            new.state,
            new.referral_uid,
            new.data,
            new.email_confirmed,
        )
    except asyncpg.UniqueViolationError as error:
        raise (EmailTaken if error.constraint_name == "users_email_key" else UidTaken) from None
    if row is None:
        raise UidTaken
    return user_of(row)


async def user_by_uid(connection: Connection, uid: str) -> User:
    """The user; raises `UserNotFound`."""
    row = await connection.fetchrow(
        f"""
        SELECT {COLUMNS}
        FROM users
        WHERE uid = $1
        """,
        uid,
    )
    if row is None:
        raise UserNotFound
    return user_of(row)


async def set_data(connection: Connection, uid: str, data: str) -> User:
    """The user with other data."""
    row = await connection.fetchrow(
        f"""
        UPDATE users
        SET data = $2, version = version + 1, updated_at = now()
        WHERE uid = $1
        RETURNING {COLUMNS}
        """,
        uid,
        data,
    )
    return user_of(row)


async def users_after(connection: Connection, after: str, limit: int) -> list[User]:
    """The next users in the order of their uids, byte by byte."""
    rows = await connection.fetch(
        f"""
        SELECT {COLUMNS}
        FROM users
        WHERE uid > $1
        ORDER BY uid
        LIMIT $2
        """,
        after,
        limit,
    )
    return [user_of(row) for row in rows]


async def email_exists(connection: Connection, email: str) -> bool:
    """Whether an account has this e-mail, in whatever case."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM users WHERE lower(email) = lower($1))", email
        )
    )


async def uid_exists(connection: Connection, uid: str) -> bool:
    """Whether there is such a user."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM users WHERE uid = $1)", uid))
