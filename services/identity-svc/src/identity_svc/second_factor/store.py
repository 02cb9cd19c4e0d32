"""SQL of second factors."""

import uuid
from datetime import datetime

from identity_svc.second_factor.models import Factor, SetUp
from shared.database.pool import Connection


async def put_secret(connection: Connection, uid: str, sealed: bytes, sid: uuid.UUID) -> None:
    """Stores another secret, which has no effect until it is enabled."""
    await connection.execute(
        """
        INSERT INTO second_factors (uid, secret, created_in)
        VALUES ($1, $2, $3)
        ON CONFLICT (uid) DO UPDATE
        SET secret = $2, enabled = false, enabled_in = NULL, enabled_at = NULL, last_step = 0,
            created_at = now(), created_in = $3
        """,
        uid,
        sealed,
        sid,
    )


async def find_factor(connection: Connection, uid: str) -> Factor | None:
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


async def find_set_up(connection: Connection, uid: str) -> SetUp | None:
    """How the user's secret came about; None without one."""
    row = await connection.fetchrow(
        """
        SELECT created_in, extract(epoch FROM now() - created_at)::float8 AS seconds
        FROM second_factors
        WHERE uid = $1
        """,
        uid,
    )
    return SetUp(row["created_in"], row["seconds"]) if row else None


async def use_step(connection: Connection, uid: str, sealed: bytes, step: int) -> bool:
    """Whether this step's code is unused; of simultaneous calls only one gets true."""
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
    """The sid of the session in which the second factor was enabled; None if unknown."""
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


async def enabled_since(connection: Connection, uid: str, moment: datetime) -> bool:
    """Whether the second factor is on, and was enabled at this moment or later."""
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT
                FROM second_factors
                WHERE uid = $1
                  AND enabled
                  AND enabled_at >= $2
            )
            """,
            uid,
            moment,
        )
    )


async def enable(connection: Connection, uid: str, sid: uuid.UUID | None) -> None:
    """Enables the factor: codes are required from now on. `sid` is that of the present session."""
    await connection.execute(
        """
        UPDATE second_factors
        SET enabled = true, enabled_in = $2, enabled_at = now()
        WHERE uid = $1
        """,
        uid,
        sid,
    )


async def delete_factor(connection: Connection, uid: str) -> None:
    """Deletes the secret."""
    await connection.execute(
        """
        DELETE FROM second_factors
        WHERE uid = $1
        """,
        uid,
    )
