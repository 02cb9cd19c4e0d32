"""The operations on sessions; Barong has none of them."""

from aiohttp import web

from resource_svc.sessions.schemas import RevokeSessionForm, to_public
from resource_svc.sessions.use_cases import Sessions
from shared.web.answers import answer, nothing
from shared.web.pagination import PageForm, page_headers
from shared.web.principal import PRINCIPAL

SESSIONS = web.AppKey("sessions", Sessions)


async def index(request: web.Request, form: PageForm) -> web.Response:
    """GET /sessions: a page of the caller's living sessions."""
    caller = request[PRINCIPAL]
    sessions, total = await request.app[SESSIONS].list(caller.uid, form)
    return answer(
        [to_public(each, caller.sid) for each in sessions],
        headers=page_headers(request.rel_url, form, total),
    )


async def revoke(request: web.Request, form: RevokeSessionForm) -> web.Response:
    """DELETE /sessions/{id}: ends a session, which may be the caller's own."""
    await request.app[SESSIONS].revoke(request[PRINCIPAL].uid, form.id)
    return nothing()
