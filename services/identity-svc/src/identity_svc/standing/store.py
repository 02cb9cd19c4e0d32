"""SQL of standing."""

from collections.abc import Mapping

from identity_svc.users.errors import UserNotFound
from identity_svc.users.rows import COLUMNS, user_of
from shared.contracts.labels import PrivateLabels
from shared.contracts.users import User
from shared.database.pool import Connection


async def lock_user(connection: Connection, uid: str) -> tuple[User, PrivateLabels]:
    """The user, whom nobody else changes until the transaction ends, and the labels noted of him.

    Raises `UserNotFound`.
    """
    row = await connection.fetchrow(
        f"""
        SELECT labels_version, private_labels, {COLUMNS}
        FROM users
        WHERE uid = $1
        FOR UPDATE
        """,
        uid,
    )
    if row is None:
        raise UserNotFound
    return user_of(row), PrivateLabels(uid, row["labels_version"], row["private_labels"])


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


async def set_standing(connection: Connection, uid: str, state: str, level: int) -> User:
    """The user with another state and level."""
    row = await connection.fetchrow(
        f"""
        UPDATE users
        SET state = $2, level = $3, version = version + 1, updated_at = now()
        WHERE uid = $1
        RETURNING {COLUMNS}
        """,
        uid,
        state,
        level,
    )
    return user_of(row)
