"""The audit log over HTTP."""

from collections.abc import AsyncIterator, Mapping, Sequence

import structlog
from aiohttp import hdrs, web

from admin_svc.activities.export import FileFormat, file_format
from admin_svc.activities.models import ActivityFilter, FoundActivity, PageTooDeep
from admin_svc.activities.schemas import (
    FILES,
    ActivitySchema,
    AdminActivitiesForm,
    AdminActivitySchema,
    AllActivitiesForm,
    OwnActivitiesForm,
    RecordForm,
    UserActivitiesForm,
    activity_to_public,
)
from admin_svc.activities.use_cases import BATCH, Activities
from shared.contracts.activities import ActivityPage
from shared.web.answers import answer, nothing
from shared.web.operations import operation
from shared.web.pagination import AS_FILE_TOO, bounded_headers

ACTIVITIES = web.AppKey("activities", Activities)

log = structlog.get_logger()


@operation(
    answer=ActivitySchema(many=True), other_types=FILES, headers=AS_FILE_TOO, refuses=(PageTooDeep,)
)
async def index(request: web.Request, form: UserActivitiesForm) -> web.StreamResponse:
    """What users did.

    `format`, or `Accept`, gets all that is found as a file.
    """
    return await _answer(request, form, form.wanted("user"))


@operation(
    answer=AdminActivitySchema(many=True),
    other_types=FILES,
    headers=AS_FILE_TOO,
    refuses=(PageTooDeep,),
)
async def index_admin(request: web.Request, form: AdminActivitiesForm) -> web.StreamResponse:
    """What administrators did.

    `format`, or `Accept`, gets all that is found as a file.
    """
    return await _answer(request, form, form.wanted("admin", form.target_uid))


async def create(request: web.Request, form: RecordForm) -> web.Response:
    """POST /activities, for gateways that cannot reach the broker."""
    await request.app[ACTIVITIES].record(form.activity)
    return nothing()


async def index_own(request: web.Request, form: OwnActivitiesForm) -> web.Response:
    """GET /users/{uid}/activities, for resource-svc: a page."""
    found = await request.app[ACTIVITIES].list_page(form.wanted, None, *form.window)
    page = [each.activity for each in found.activities]
    return answer(ActivityPage(page, found.total, found.goes_on).to_internal())


async def index_all(request: web.Request, form: AllActivitiesForm) -> web.Response:
    """GET /users/{uid}/activities/{category}, for resource-svc: a batch, and the next cursor."""
    activities = request.app[ACTIVITIES]
    batch = await activities.list_after(form.wanted, None, BATCH, form.cursor)
    cursor = batch[-1].position.cursor if len(batch) == BATCH else None
    return answer({"activities": [each.activity.to_internal() for each in batch], "cursor": cursor})


async def _answer(
    request: web.Request, form: UserActivitiesForm | AdminActivitiesForm, wanted: ActivityFilter
) -> web.StreamResponse:
    activities, (limit, offset) = request.app[ACTIVITIES], form.window
    if file := file_format(form.format, request.headers.get(hdrs.ACCEPT, "")):
        return await _stream(request, file, activities.list_batches(wanted, form.address))
    if form.cursor is not None:
        batch = await activities.list_after(wanted, form.address, limit, form.cursor)
        return _page(batch, limit, {"Per-Page": str(limit)})
    found = await activities.list_page(wanted, form.address, limit, offset)
    headers = bounded_headers(request.rel_url, form, found.total, goes_on=found.goes_on)
    return _page(found.activities, limit, headers)


def _page(page: Sequence[FoundActivity], limit: int, headers: Mapping[str, str]) -> web.Response:
    """A page, with the next cursor unless the page shows that the list ends."""
    next_cursor = {"Next-Cursor": page[-1].position.cursor} if len(page) == limit else {}
    return answer([activity_to_public(each) for each in page], headers={**headers, **next_cursor})


async def _stream(
    request: web.Request, file: FileFormat, batches: AsyncIterator[list[FoundActivity]]
) -> web.StreamResponse:
    """The file; no more than one batch is in memory at any time."""
    nothing_left: list[FoundActivity] = []
    batch = await anext(batches, nothing_left)  # while another answer is still possible
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: file.content_type,
            hdrs.CONTENT_DISPOSITION: f'attachment; filename="{file.name}"',
            hdrs.CACHE_CONTROL: "no-store",
        }
    )
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    try:
        await response.write(file.heading)
        while batch:
            await response.write(file.lines(batch))
            batch = await anext(batches, nothing_left)
        await response.write_eof()
    except ConnectionError:
        log.info("export_abandoned")  # the client hung up
    except Exception:
        log.exception("export_broken_off")
        if request.transport is not None:
            request.transport.abort()  # otherwise the client would take the part for the whole
    return response
