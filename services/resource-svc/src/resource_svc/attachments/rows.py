"""Sets of attachments as rows, for every room that keeps some."""

from collections.abc import Sequence

from shared.contracts.attachments import AttachmentSet
from shared.database.pool import Connection


async def select_sets(
    connection: Connection, kind: str, sets: str, table: str, columns: str, uids: Sequence[str]
) -> list[AttachmentSet]:
    """The sets of these users, those that are empty now included.

    One statement, so that records and version go together. `sets` has the versions by uid, `table`
    the records, of which `columns` are told.
    """
    rows = await connection.fetch(
        f"""
        SELECT
            {sets}.uid,
            {sets}.version,
            coalesce(
                jsonb_agg(to_jsonb(told) ORDER BY told.id) FILTER (WHERE told.id IS NOT NULL), '[]'
            ) AS records
        FROM {sets}
        LEFT JOIN (SELECT {columns} FROM {table} WHERE uid = ANY($1)) AS told USING (uid)
        WHERE {sets}.uid = ANY($1)
        GROUP BY {sets}.uid
        """,
        uids,
    )
    return [AttachmentSet(kind=kind, **row) for row in rows]
