"""The operations on sets of attachments."""

from aiohttp import web

from resource_svc.attachments.forms import ListSetsForm
from resource_svc.attachments.list_sets import ListSets
from shared.web.answers import answer

LIST_SETS = web.AppKey("list_sets", ListSets)


async def index(request: web.Request, form: ListSetsForm) -> web.Response:
    """POST /attachments: the sets of the users that the body names."""
    sets = await request.app[LIST_SETS](form.uids)
    return answer({"sets": [each.snapshot() for each in sets]})
