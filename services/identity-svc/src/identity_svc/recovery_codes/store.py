"""SQL of recovery codes."""

from collections.abc import Sequence
from datetime import datetime

from identity_svc.recovery_codes.models import Remaining
from shared.database.pool import Connection


async def replace_codes(connection: Connection, uid: str, digests: Sequence[bytes]) -> None:
    """Stores new codes of a locked user in place of the old ones."""
    await delete_codes(connection, uid)
    await connection.execute(
        """
        INSERT INTO recovery_codes (uid, digest)
        SELECT $1, unnest($2::bytea[])
        """,
        uid,
        digests,
    )


async def use_code(connection: Connection, uid: str, digest: bytes) -> bool:
    """Whether there was such a code; of simultaneous calls only one gets true."""
    status = await connection.execute(
        """
        DELETE FROM recovery_codes
        WHERE uid = $1
          AND digest = $2
        """,
        uid,
        digest,
    )
    return status == "DELETE 1"


async def remaining(connection: Connection, uid: str) -> Remaining:
    """How many codes the user has."""
    [row] = await connection.fetch(
        """
        SELECT count(*) AS number, min(created_at) AS created_at
        FROM recovery_codes
        WHERE uid = $1
        """,
        uid,
    )
    return Remaining(row["number"], row["created_at"])


async def delete_made_since(connection: Connection, uid: str, moment: datetime) -> None:
    """Deletes the codes of a user that were made at this moment or later."""
    await connection.execute(
        """
        DELETE FROM recovery_codes
        WHERE uid = $1
          AND created_at >= $2
        """,
        uid,
        moment,
    )


async def delete_codes(connection: Connection, uid: str) -> None:
    """Deletes all codes of a user."""
    await connection.execute(
        """
        DELETE FROM recovery_codes
        WHERE uid = $1
        """,
        uid,
    )
