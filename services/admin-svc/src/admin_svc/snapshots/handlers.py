"""The snapshot of all users over HTTP."""

from aiohttp import web

from admin_svc.snapshots.schemas import (
    MAX_LIMIT,
    SnapshotForm,
    UserSnapshotSchema,
    snapshot_to_public,
)
from admin_svc.snapshots.use_cases import Snapshots
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.pagination import BY_CURSOR

SNAPSHOTS = web.AppKey("snapshots", Snapshots)


@operation(answer=UserSnapshotSchema(many=True), headers=BY_CURSOR, beyond_barong=True)
async def users(request: web.Request, form: SnapshotForm) -> web.Response:
    """All users as they are now, for a new subscriber of events.

    In the order of uids. Each part has a version, which events have, too: a subscriber who first
    binds a queue, then reads all pages, and then applies events with newer versions misses nothing.
    """
    limit = form.limit or MAX_LIMIT
    page = await request.app[SNAPSHOTS].list_users(form.cursor or "", limit)
    next_cursor = {"Next-Cursor": page[-1].user.uid} if len(page) == limit else {}
    return answer(
        [snapshot_to_public(each) for each in page],
        headers={"Per-Page": str(limit), **next_cursor},
    )
