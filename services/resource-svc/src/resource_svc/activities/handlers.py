"""The operation on activities."""

from aiohttp import web

from resource_svc.activities.schemas import ALL, ListActivitiesForm, to_public
from resource_svc.activities.use_cases import Activities
from shared.web.answers import answer
from shared.web.pagination import MAX_LIMIT, bounded_headers
from shared.web.principal import PRINCIPAL

ACTIVITIES = web.AppKey("activities", Activities)


async def index(request: web.Request, form: ListActivitiesForm) -> web.Response:
    """GET /users/activity/{topic}: what the caller did, the newest first."""
    topic = None if form.topic == ALL else form.topic
    found = await request.app[ACTIVITIES].list(
        request[PRINCIPAL].uid, topic, form.page or 1, form.limit or MAX_LIMIT
    )
    headers = bounded_headers(request.rel_url, form, found.total, goes_on=found.goes_on)
    return answer([to_public(activity) for activity in found.activities], headers=headers)
