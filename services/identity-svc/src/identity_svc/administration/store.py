"""SQL of administrators' changes."""

from collections.abc import Collection, Mapping

from identity_svc.users.rows import COLUMNS, user_of
from shared.contracts.users import User
from shared.database.pool import Connection


async def lock_users(connection: Connection, uids: Collection[str]) -> Mapping[str, User]:
    """Those of these users who exist, whom nobody else changes until the transaction ends.

    They are locked in one order, whoever asks.
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


async def set_state(connection: Connection, uid: str, state: str, refusal: str | None) -> User:
    """The user in another state, and whether an administrator refuses them."""
    row = await connection.fetchrow(
        f"""
        UPDATE users
        SET state = $2, refusal = $3, version = version + 1, updated_at = now()
        WHERE uid = $1
        RETURNING {COLUMNS}
        """,
        uid,
        state,
        refusal,
    )
    return user_of(row)


async def set_role(connection: Connection, uid: str, role: str) -> User:
    """The user in another role."""
    row = await connection.fetchrow(
        f"""
        UPDATE users
        SET role = $2, version = version + 1, updated_at = now()
        WHERE uid = $1
        RETURNING {COLUMNS}
        """,
        uid,
        role,
    )
    return user_of(row)
