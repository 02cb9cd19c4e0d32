"""Activities of users, and audits of administrators."""

from aiohttp import web

from console_svc.pages.api import ApiRefusal, refusal_of
from console_svc.pages.spans import with_moments
from console_svc.pages.visit import Eager, Visit
from shared.errors import NotFound

_FILTERS = ("topic", "action", "uid", "email", "target_uid", "result", "from", "to")
_PATHS = {"users": "admin/activities", "administrators": "admin/activities/admin"}
_PER_PAGE = "50"
_EXPORT_SECONDS = 300.0
_FORMATS = ("csv", "jsonl")


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """A page of activities, by all filters."""
    kind, path = _kind(visit)
    filters = _filters(visit)
    found, more = [], False
    try:
        answer = await visit.get(
            path, **with_moments(filters), page=str(visit.page_number), limit=_PER_PAGE
        )
    except ApiRefusal as refusal:
        if refusal.status != 422:
            raise
        visit.refuse(refusal)
    else:
        found, more = answer.body, 'rel="next"' in answer.headers.get("Link", "")
    return visit.page(
        "audit_log/activities.html",
        kind=kind,
        activities=found,
        filters=filters,
        query=filters,
        number=visit.page_number,
        more=more,
    )


async def export(visit: Visit) -> web.StreamResponse:
    """All activities of the filters as a file, while they arrive."""
    kind, path = _kind(visit)
    form = visit.request.query.get("format", "csv")
    if form not in _FORMATS:
        raise NotFound
    query = {**with_moments(_filters(visit)), "format": form}
    async with visit.api.streamed(
        visit.request, "GET", path, query=query, seconds=_EXPORT_SECONDS
    ) as answer:
        if answer.status != 200:
            raise await refusal_of(answer)
        return await visit.download(answer, f"{kind}.{form}", answer.content_type)


def _kind(visit: Visit) -> tuple[str, str]:
    kind = visit.request.path.split("/")[3]
    return kind, _PATHS[kind]


def _filters(visit: Visit) -> dict[str, str]:
    query = visit.request.query
    return {name: query[name].strip() for name in _FILTERS if query.get(name, "").strip()}
