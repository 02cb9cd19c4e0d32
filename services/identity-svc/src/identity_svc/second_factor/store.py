"""SQL of second factors."""

import uuid
from dataclasses import dataclass, field

from identity_svc.users.errors import UserNotFound
from identity_svc.users.rows import COLUMNS, user_of
from shared.contracts.users import MAY_ACT, User
from shared.database.pool import Connection
from shared.errors import UserNotActive


@dataclass(frozen=True, slots=True)
class Factor:
    """A second factor as it lies in the table."""

    sealed: bytes = field(repr=False)
    enabled: bool


async def lock_user(connection: Connection, uid: str) -> User:
    """The user, whom nobody else changes until the transaction ends.

    Raises `UserNotFound`, and `UserNotActive` for who may not act any more.
    """
    row = await connection.fetchrow(
        f"""
        SELECT {COLUMNS}
        FROM users
        WHERE uid = $1
        FOR UPDATE
        """,
        uid,
    )
    if row is None:
        raise UserNotFound
    user = user_of(row)
    if user.state not in MAY_ACT:
        raise UserNotActive
    return user


async def put_secret(connection: Connection, uid: str, sealed: bytes) -> None:
    """Another secret, whose codes count for nothing until it is enabled."""
    await connection.execute(
        """
        INSERT INTO second_factors (uid, secret)
        VALUES ($1, $2)
        ON CONFLICT (uid) DO UPDATE
        SET secret = $2, enabled = false, enabled_in = NULL, last_step = 0, created_at = now()
        """,
        uid,
        sealed,
    )


async def factor_of(connection: Connection, uid: str) -> Factor | None:
    """The user's second factor, enabled or not."""
    row = await connection.fetchrow(
        """
        SELECT secret, enabled
        FROM second_factors
        WHERE uid = $1
        """,
        uid,
    )
    return Factor(row["secret"], row["enabled"]) if row else None


async def use_step(connection: Connection, uid: str, sealed: bytes, step: int) -> bool:
    """Whether this step's code still counts; of any number of simultaneous calls, for one."""
    status = await connection.execute(
        """
        UPDATE second_factors
        SET last_step = $3
        WHERE uid = $1
          AND secret = $2
          AND last_step < $3
        """,
        uid,
        sealed,
        step,
    )
    return status == "UPDATE 1"


async def enabled_in(connection: Connection, uid: str) -> uuid.UUID | None:
    """The session in which the second factor was turned on, as far as that is known."""
    sid: uuid.UUID | None = await connection.fetchval(
        """
        SELECT enabled_in
        FROM second_factors
        WHERE uid = $1
          AND enabled
        """,
        uid,
    )
    return sid


async def enable(connection: Connection, uid: str, sid: uuid.UUID | None) -> None:
    """From now on codes are asked for; `sid` is of the session in which this is done."""
    await connection.execute(
        """
        UPDATE second_factors
        SET enabled = true, enabled_in = $2
        WHERE uid = $1
        """,
        uid,
        sid,
    )


async def delete_factor(connection: Connection, uid: str) -> None:
    """Forgets the secret."""
    await connection.execute(
        """
        DELETE FROM second_factors
        WHERE uid = $1
        """,
        uid,
    )


async def set_otp(connection: Connection, uid: str, otp: bool) -> User:
    """The user with his second factor on or off."""
    row = await connection.fetchrow(
        f"""
        UPDATE users
        SET otp = $2, version = version + 1, updated_at = now()
        WHERE uid = $1
        RETURNING {COLUMNS}
        """,
        uid,
        otp,
    )
    return user_of(row)
