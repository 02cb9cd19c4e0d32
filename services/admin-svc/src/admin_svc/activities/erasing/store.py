"""The table of activities, as erasures change it."""

from typing import NamedTuple

from admin_svc.activities.filter import Position
from admin_svc.activities.store import LOCK_TIMEOUT
from shared.contracts.activities import CATEGORIES, Category
from shared.database.pool import Connection


class Walk(NamedTuple):
    """One of the ways through all activities that say something of a user, as SQL."""

    category: Category
    who: str
    erased: str
    personal: str


WALKS = tuple(
    Walk(category, *walk)
    for category in CATEGORIES
    for walk in (
        (
            "uid",
            "user_ip = '', user_agent = '', data = NULL",
            "user_ip <> '' OR user_agent <> '' OR data IS NOT NULL",
        ),
        ("target_uid", "data = NULL", "data IS NOT NULL"),
    )
)
"""What he did, and what others did that concerns him."""


async def wait_for_writers(connection: Connection) -> None:
    """Returns when every activity that is being written is; who comes later waits for us."""
    await connection.execute(
        f"{LOCK_TIMEOUT}; LOCK TABLE ONLY activities IN SHARE MODE"  # the parent's is enough
    )


async def erase_some(
    connection: Connection, walk: Walk, uid: str, behind: Position, most: int
) -> Position | None:
    """Takes what is personal from the next of a user's activities, the oldest first.

    These are the `most` that stand behind a place, erased before or not, so that a call costs the
    same however many there are. The place of the last; None where the walk ends.
    """
    here = f"category = $1 AND {walk.who} = $2 AND (created_at, id) > ($3, $4) AND created_at >= $3"
    last = await connection.fetchrow(
        f"""
        SELECT created_at, id
        FROM activities
        WHERE {here}
        ORDER BY created_at, id
        LIMIT 1
        OFFSET $5
        """,
        *(walk.category, uid, *behind, most - 1),
    )
    until = Position(*last) if last else None
    bound = "AND (created_at, id) <= ($5, $6) AND created_at <= $5" if until else ""
    await connection.execute(
        f"UPDATE activities SET {walk.erased} WHERE {here} {bound} AND ({walk.personal})",
        *(walk.category, uid, *behind, *(until or ())),
    )
    return until
