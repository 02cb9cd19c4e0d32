"""SQL of the table `users`, and of `erased_users`, whose uids nobody gets again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from identity_svc.users.models import (
    COLUMNS,
    Credentials,
    EmailTaken,
    ImportedUser,
    NewUser,
    Status,
    UidTaken,
    UserNotFound,
    user_of,
)
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection
from shared.errors import UserNotActive

_IMPORTED = tuple(ImportedUser.__slots__)


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


async def insert_imported(connection: Connection, users: Sequence[ImportedUser]) -> list[User]:
    """The users that were made, in any order, without those whose uid or e-mail is taken."""
    columns = [[getattr(user, name) for user in users] for name in _IMPORTED]
    rows = await connection.fetch(
        f"""
        INSERT INTO users (
            uid, email, password_digest, role, level, state, referral_uid, data,
            private_labels, email_confirmed_at, created_at, updated_at
        )
        SELECT
            uid, email, password_digest, role, level, state, referral_uid, data,
            labels::jsonb,
            CASE WHEN labels::jsonb ->> 'email' = 'verified' THEN updated_at END,
            created_at, updated_at
        FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[],
            $7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[]
        ) WITH ORDINALITY AS imported (
            uid, email, password_digest, role, level, state, referral_uid, data,
            labels, created_at, updated_at, position
        )
        ORDER BY position
        ON CONFLICT DO NOTHING
        RETURNING {COLUMNS}
        """,
        *columns,
    )
    return [user_of(row) for row in rows]


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


async def email_exists(connection: Connection, email: str, but: str | None) -> bool:
    """Whether somebody but the user `but` has this e-mail, or may take it back; in whatever case.

    One statement sees both tables at the same moment, so an address that changes hands is found.
    """
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT
                FROM users
                WHERE lower(email) = lower($1)
                  AND uid IS DISTINCT FROM $2
            )
            OR EXISTS (
                SELECT
                FROM former_emails
                WHERE lower(email) = lower($1)
                  AND uid IS DISTINCT FROM $2
                  AND expires_at > now()
            )
            """,
            email,
            but,
        )
    )


async def uid_exists(connection: Connection, uid: str) -> bool:
    """Whether there is such a user."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM users WHERE uid = $1)", uid))


async def existing_uids(connection: Connection, uids: Collection[str]) -> frozenset[str]:
    """Those of these uids that users have."""
    rows = await connection.fetch(
        """
        SELECT uid
        FROM users
        WHERE uid = ANY($1)
        """,
        list(uids),
    )
    return frozenset(row["uid"] for row in rows)


async def erased_uids(connection: Connection, uids: Collection[str]) -> frozenset[str]:
    """Those of these uids that erased users had."""
    rows = await connection.fetch(
        """
        SELECT uid
        FROM erased_users
        WHERE uid = ANY($1)
        """,
        list(uids),
    )
    return frozenset(row["uid"] for row in rows)


async def taken_emails(connection: Connection, emails: Collection[str]) -> frozenset[str]:
    """Those of these e-mails that an account has, in whatever case."""
    rows = await connection.fetch(
        """
        SELECT given.email
        FROM unnest($1::text[]) AS given (email)
        WHERE EXISTS (SELECT FROM users WHERE lower(users.email) = lower(given.email))
        """,
        list(emails),
    )
    return frozenset(row["email"] for row in rows)


async def lock_user_by_uid(connection: Connection, uid: str) -> User | None:
    """Returns the user and locks the row until the transaction ends."""
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


async def lock_user_by_email(connection: Connection, email: str) -> User | None:
    """Returns the user with this e-mail, in whatever case, and locks the row."""
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


async def lock_users(connection: Connection, uids: Collection[str]) -> Mapping[str, User]:
    """Returns those of these users who exist, and locks their rows until the transaction ends.

    Rows are always locked in the order of their uids.
    """
    rows = await connection.fetch(
        f"""
        SELECT {COLUMNS}
        FROM users
        WHERE uid = ANY($1)
        ORDER BY uid
        FOR UPDATE
        """,
        list(uids),
    )
    return {row["uid"]: user_of(row) for row in rows}


async def lock_for_log_in(connection: Connection, uid: str, password_version: int) -> User | None:
    """The user, whose status and password nobody changes until the transaction ends.

    Nor do they log in a second time meanwhile. None when they have another password by now.
    """
    row = await connection.fetchrow(
        f"""
        SELECT {COLUMNS}
        FROM users
        WHERE uid = $1
          AND password_version = $2
        FOR NO KEY UPDATE
        """,
        uid,
        password_version,
    )
    return user_of(row) if row else None


async def set_data(connection: Connection, uid: str, data: str) -> User:
    """The user with other data."""
    return await _set(connection, uid, "data", data)


async def set_role(connection: Connection, uid: str, role: str) -> User:
    """The user in another role."""
    return await _set(connection, uid, "role", role)


async def set_otp(connection: Connection, uid: str, otp: bool) -> User:
    """The user with their second factor on or off."""
    return await _set(connection, uid, "otp", otp)


async def _set(connection: Connection, uid: str, column: str, value: str | bool) -> User:
    row = await connection.fetchrow(
        f"""
        UPDATE users
        SET {column} = $2, version = version + 1, updated_at = now()
        WHERE uid = $1
        RETURNING {COLUMNS}
        """,
        uid,
        value,
    )
    return user_of(row)


async def set_email(connection: Connection, uid: str, email: str) -> User:
    """The user with another e-mail; raises `EmailTaken`, after which the transaction is lost."""
    try:
        return await _set(connection, uid, "email", email)
    except asyncpg.UniqueViolationError:
        raise EmailTaken from None


async def reserve_email(connection: Connection, uid: str, email: str, seconds: int) -> None:
    """Keeps an address for the user who had it."""
    await connection.execute(
        """
        INSERT INTO former_emails (uid, email, expires_at)
        VALUES ($1, $2, now() + make_interval(secs => $3))
        """,
        uid,
        email,
        seconds,
    )


async def release_emails_since(connection: Connection, uid: str, email: str) -> None:
    """Releases an address that the user has again, and those that they had after it."""
    await connection.execute(
        """
        DELETE FROM former_emails
        WHERE uid = $1
          AND expires_at >= (
              SELECT min(expires_at)
              FROM former_emails
              WHERE uid = $1
                AND lower(email) = lower($2)
          )
        """,
        uid,
        email,
    )


async def delete_expired_emails(connection: Connection) -> None:
    """Releases addresses that nobody can take back any more."""
    await connection.execute(
        """
        DELETE FROM former_emails
        WHERE expires_at < now()
        """
    )


async def note_email_confirmed(connection: Connection, uid: str) -> None:
    """Stores that the user has shown that they read their mail."""
    await connection.execute(
        """
        UPDATE users
        SET email_confirmed_at = now()
        WHERE uid = $1
        """,
        uid,
    )


# Status: state and level, the private labels that make them, and refusals by administrators.


async def lock_status(connection: Connection, uid: str) -> Status:
    """Returns the status of a user and locks the row until the transaction ends.

    Raises `UserNotFound`.
    """
    row = await connection.fetchrow(
        f"""
        SELECT labels_version, private_labels, refusal, {COLUMNS}
        FROM users
        WHERE uid = $1
        FOR UPDATE
        """,
        uid,
    )
    if row is None:
        raise UserNotFound
    applied = PrivateLabels(uid, row["labels_version"], row["private_labels"])
    return Status(user_of(row), applied, row["refusal"])


async def set_private_labels(
    connection: Connection, uid: str, version: int, labels: Mapping[str, str]
) -> None:
    """Stores the private labels that decide state and level."""
    await connection.execute(
        """
        UPDATE users
        SET private_labels = $2, labels_version = $3
        WHERE uid = $1
        """,
        uid,
        labels,
        version,
    )


async def set_status(
    connection: Connection, uid: str, state: str, level: int, refusal: str | None
) -> User:
    """The user with another state and level, and whether an administrator refuses them."""
    row = await connection.fetchrow(
        f"""
        UPDATE users
        SET state = $2, level = $3, refusal = $4, version = version + 1, updated_at = now()
        WHERE uid = $1
        RETURNING {COLUMNS}
        """,
        uid,
        state,
        level,
        refusal,
    )
    return user_of(row)


async def another_superadmin_is_active(connection: Connection, uid: str) -> bool:
    """Whether another user than `uid` is an active superadmin; no one can change that meanwhile.

    One transaction runs this at a time. It takes this lock last: whoever waits for it holds rows
    that its holder does not need.
    """
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('superadmins', 0))")
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT
                FROM users
                WHERE role = 'superadmin'
                  AND state = 'active'
                  AND uid <> $1
            )
            """,
            uid,
        )
    )


# Passwords.


async def credentials_by_email(
    connection: Connection, email: str
) -> tuple[Credentials | None, int | None]:
    """The credentials of the user who has this e-mail, in whatever case.

    Also returns the cost of the slowest bcrypt digest in the table, None when there is none.
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


async def credentials_by_uid(connection: Connection, uid: str) -> Credentials:
    """The credentials of a user; raises `UserNotFound`."""
    row = await connection.fetchrow(
        f"""
        SELECT password_digest, password_version, {COLUMNS}
        FROM users
        WHERE uid = $1
        """,
        uid,
    )
    if row is None:
        raise UserNotFound
    return _credentials_of(row)


async def replace_digest(connection: Connection, uid: str, old: str, new: str) -> None:
    """Stores another digest of the same password, unless the password changed meanwhile."""
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
    """Whether the password is still that of `version`; stays true until the transaction ends.

    Raises `UserNotActive` if the user may not act any more.
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


# Erasure.


async def lock_due_for_erasure(connection: Connection, delay: timedelta) -> str | None:
    """Returns and locks a user who deleted their account longer ago than `delay`.

    Returns the uid. The lock lasts until the transaction ends; rows that others have locked are
    skipped.
    """
    uid: str | None = await connection.fetchval(
        """
        SELECT uid
        FROM users
        WHERE deleted_at < now() - $1::interval
          AND state = 'deleted'
          AND private_labels ->> 'delete' = 'by_user'
        ORDER BY deleted_at
        LIMIT 1
        FOR UPDATE SKIP LOCKED
        """,
        delay,
    )
    return uid


async def lock_deleted(connection: Connection, uid: str, delay: timedelta) -> bool:
    """Whether the user has been deleted for longer than `delay`; locks the row."""
    return bool(
        await connection.fetchval(
            """
            SELECT true
            FROM users
            WHERE uid = $1
              AND state = 'deleted'
              AND deleted_at < now() - $2::interval
            FOR UPDATE
            """,
            uid,
            delay,
        )
    )


async def erase(connection: Connection, uid: str) -> None:
    """Deletes the user with all that refers to them; nobody gets their uid again."""
    await connection.execute(
        """
        DELETE FROM users
        WHERE uid = $1
        """,
        uid,
    )
    await connection.execute(
        """
        INSERT INTO erased_users (uid)
        VALUES ($1)
        ON CONFLICT (uid) DO NOTHING
        """,
        uid,
    )
