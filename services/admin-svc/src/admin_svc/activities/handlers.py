"""The audit log over HTTP."""

from aiohttp import hdrs, web

from admin_svc.activities.answers import exported, listed
from admin_svc.activities.export import file_format
from admin_svc.activities.filter import ActivityFilter
from admin_svc.activities.find import BATCH, FindActivities
from admin_svc.activities.forms import (
    AdminActivitiesForm,
    AllActivitiesForm,
    OwnActivitiesForm,
    RecordForm,
    UserActivitiesForm,
)
from admin_svc.activities.record import RecordActivity
from shared.contracts.activities import ActivityPage
from shared.web.answers import answer, nothing
from shared.web.pagination import bounded_headers

FIND_ACTIVITIES = web.AppKey("find_activities", FindActivities)
RECORD_ACTIVITY = web.AppKey("record_activity", RecordActivity)


async def index(request: web.Request, form: UserActivitiesForm) -> web.StreamResponse:
    """GET /admin/activities: what users did about their own accounts."""
    return await _found(request, form, form.wanted("user"))


async def index_admin(request: web.Request, form: AdminActivitiesForm) -> web.StreamResponse:
    """GET /admin/activities/admin: what gateways audited and refused."""
    return await _found(request, form, form.wanted("admin", form.target_uid))


async def create(request: web.Request, form: RecordForm) -> web.Response:
    """POST /activities, for gateways that reach no broker."""
    await request.app[RECORD_ACTIVITY](form.activity)
    return nothing()


async def index_own(request: web.Request, form: OwnActivitiesForm) -> web.Response:
    """GET /users/{uid}/activities, for resource-svc: a page."""
    found = await request.app[FIND_ACTIVITIES].page(form.wanted, None, *form.window)
    page = [each.activity for each in found.activities]
    return answer(ActivityPage(page, found.total, found.goes_on).body())


async def index_all(request: web.Request, form: AllActivitiesForm) -> web.Response:
    """GET /users/{uid}/activities/{category}, for resource-svc: a batch, and where it ends."""
    find = request.app[FIND_ACTIVITIES]
    batch = await find.behind(form.wanted, None, BATCH, form.cursor)
    cursor = batch[-1].position.cursor if len(batch) == BATCH else None
    return answer({"activities": [each.activity.body() for each in batch], "cursor": cursor})


async def _found(
    request: web.Request, form: UserActivitiesForm | AdminActivitiesForm, wanted: ActivityFilter
) -> web.StreamResponse:
    find, (limit, offset) = request.app[FIND_ACTIVITIES], form.window
    if file := file_format(form.format, request.headers.get(hdrs.ACCEPT, "")):
        return await exported(request, file, find.all(wanted, form.address))
    if form.cursor is not None:
        return listed(await find.behind(wanted, form.address, limit, form.cursor), limit)
    found = await find.page(wanted, form.address, limit, offset)
    headers = bounded_headers(request.rel_url, form, found.total, goes_on=found.goes_on)
    return listed(found.activities, limit, headers)
