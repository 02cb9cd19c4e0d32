"""SQL of rebuilds."""

from admin_svc.directory.rebuilding.progress import Progress
from shared.database.pool import Connection


async def begin(connection: Connection, *, anew: bool) -> Progress | None:
    """Where to go on; None while another rebuild runs.

    The connection is a dedicated one: PostgreSQL takes the lock back when it ends.
    """
    if not await connection.fetchval(
        "SELECT pg_try_advisory_lock(hashtextextended('rebuild directory', 0))"
    ):
        return None
    if anew:
        await end(connection)
    row = await connection.fetchrow("SELECT last_uid, users, removed FROM directory_rebuild")
    if row:
        return Progress(**row)
    await connection.execute(
        """
        INSERT INTO directory_rebuild (last_uid, users, removed)
        VALUES ('', 0, 0)
        """
    )
    return Progress("", 0, 0)


async def note(connection: Connection, progress: Progress) -> None:
    """Notes the place from which to go on."""
    await connection.execute(
        """
        UPDATE directory_rebuild
        SET last_uid = $1, users = $2, removed = $3
        """,
        progress.last_uid,
        progress.users,
        progress.removed,
    )


async def end(connection: Connection) -> None:
    """Forgets the place: the next rebuild begins at the beginning."""
    await connection.execute("DELETE FROM directory_rebuild")


async def uids_between(connection: Connection, after: str, until: str | None) -> list[str]:
    """Whoever anything is kept of, after one uid and up to another, or to the end."""
    rows = await connection.fetch(
        """
        SELECT uid
        FROM users
        WHERE uid > $1 AND ($2::text IS NULL OR uid <= $2)
        UNION
        SELECT uid
        FROM attachments
        WHERE uid > $1 AND ($2::text IS NULL OR uid <= $2)
        """,
        after,
        until,
    )
    return [row["uid"] for row in rows]
