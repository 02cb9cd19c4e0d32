"""SQL of standing."""

from collections.abc import Mapping
from dataclasses import dataclass

from identity_svc.users.errors import UserNotFound
from identity_svc.users.rows import COLUMNS, user_of
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection


@dataclass(frozen=True, slots=True)
class Standing:
    """A user, the private labels that are noted of them, and an administrator's refusal, if any."""

    user: User
    applied: PrivateLabels
    refusal: str | None


async def lock_standing(connection: Connection, uid: str) -> Standing:
    """The standing of a user, which nobody else changes until the transaction ends.

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
    return Standing(user_of(row), applied, row["refusal"])


async def keep_labels(
    connection: Connection, uid: str, version: int, labels: Mapping[str, str]
) -> None:
    """Notes the private labels that decide state and level."""
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


async def set_standing(
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
    """Whether somebody besides `uid` is an active superadmin, and stays so in this transaction.

    One transaction asks at a time. Its lock is the last that it takes: who waits for it holds rows
    that its holder does not want.
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
