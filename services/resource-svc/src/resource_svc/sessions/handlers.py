"""The operations on sessions; Barong has none of them."""

from aiohttp import web

from resource_svc.sessions.schemas import RevokeSessionForm, SessionSchema, to_public
from resource_svc.sessions.use_cases import Sessions
from shared.errors import NotFound
from shared.web.answers import answer, nothing
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE, PageForm, page_headers
from shared.web.principal import PRINCIPAL

SESSIONS = web.AppKey("sessions", Sessions)


@operation(answer=SessionSchema(many=True), headers=BY_PAGE, beyond_barong=True)
async def index(request: web.Request, form: PageForm) -> web.Response:
    """One's living sessions, the newest first."""
    caller = request[PRINCIPAL]
    sessions, total = await request.app[SESSIONS].list(caller.uid, form)
    return answer(
        [to_public(each, caller.sid) for each in sessions],
        headers=page_headers(request.rel_url, form, total),
    )


@operation(status=204, refuses=(NotFound,), beyond_barong=True)
async def revoke(request: web.Request, form: RevokeSessionForm) -> web.Response:
    """End one of one's sessions."""
    await request.app[SESSIONS].revoke(request[PRINCIPAL].uid, form.id)
    return nothing()
