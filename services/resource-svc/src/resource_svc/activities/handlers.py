"""The operation on activities."""

from aiohttp import web

from resource_svc.activities.models import NoActivity, PageTooDeep
from resource_svc.activities.schemas import ALL, ListActivitiesForm, OwnActivitySchema, to_public
from resource_svc.activities.use_cases import Activities
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE_UNCOUNTED, MAX_LIMIT, bounded_headers
from shared.web.principal import PRINCIPAL

ACTIVITIES = web.AppKey("activities", Activities)


@operation(
    answer=OwnActivitySchema(many=True),
    headers=BY_PAGE_UNCOUNTED,
    refuses=(NoActivity, PageTooDeep),
)
async def index(request: web.Request, form: ListActivitiesForm) -> web.Response:
    """What one did."""
    topic = None if form.topic == ALL else form.topic
    found = await request.app[ACTIVITIES].list(
        request[PRINCIPAL].uid, topic, form.page or 1, form.limit or MAX_LIMIT
    )
    headers = bounded_headers(request.rel_url, form, found.total, goes_on=found.goes_on)
    return answer([to_public(activity) for activity in found.activities], headers=headers)
