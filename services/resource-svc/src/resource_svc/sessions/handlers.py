"""The operations on sessions; Barong has none of them."""

from aiohttp import web

from resource_svc.sessions.forms import RevokeSessionForm
from resource_svc.sessions.list_sessions import ListSessions
from resource_svc.sessions.revoke_session import RevokeSession
from shared.web.answers import answer, nothing
from shared.web.pagination import PageForm, page_headers
from shared.web.principal import PRINCIPAL

LIST_SESSIONS = web.AppKey("list_sessions", ListSessions)
REVOKE_SESSION = web.AppKey("revoke_session", RevokeSession)


async def index(request: web.Request, form: PageForm) -> web.Response:
    """GET /sessions: a page of the caller's living sessions."""
    caller = request[PRINCIPAL]
    sessions, total = await request.app[LIST_SESSIONS](caller.uid, caller.sid, form)
    return answer(sessions, headers=page_headers(request.rel_url, form, total))


async def revoke(request: web.Request, form: RevokeSessionForm) -> web.Response:
    """DELETE /sessions/{id}: a session less, this one included."""
    await request.app[REVOKE_SESSION](request[PRINCIPAL].uid, form.id)
    return nothing()
