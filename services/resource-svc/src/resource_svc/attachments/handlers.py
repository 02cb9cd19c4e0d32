"""The operation on snapshots of attachments."""

from aiohttp import web

from resource_svc.attachments.schemas import ListSnapshotsForm
from resource_svc.attachments.use_cases import Attachments
from shared.web.answers import answer

ATTACHMENTS = web.AppKey("attachments", Attachments)


async def index(request: web.Request, form: ListSnapshotsForm) -> web.Response:
    """POST /attachments: the snapshots of the users that the body names."""
    snapshots = await request.app[ATTACHMENTS].list_snapshots(form.uids)
    return answer({"sets": [each.to_internal() for each in snapshots]})
