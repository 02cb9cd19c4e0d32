"""The operations on sessions of users; Barong has none of them."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.directory.models import UserNotFound
from admin_svc.sessions.schemas import (
    EndSessionsForm,
    ListSessionsForm,
    UserSessionSchema,
    to_public,
)
from admin_svc.sessions.use_cases import Sessions
from shared.contracts.refusals import SessionNotFound
from shared.policy.authority import NOT_ALLOWED
from shared.web.answers import answer, nothing
from shared.web.operations import operation
from shared.web.pagination import BY_PAGE, page_headers
from shared.web.principal import PRINCIPAL

SESSIONS = web.AppKey("sessions", Sessions)


@operation(
    answer=UserSessionSchema(many=True),
    headers=BY_PAGE,
    refuses=(UserNotFound,),
    beyond_barong=True,
)
async def index(request: web.Request, form: ListSessionsForm) -> web.Response:
    """A user's living sessions, the newest first."""
    sessions, total = await request.app[SESSIONS].list_page(form.uid, form)
    headers = page_headers(request.rel_url, form, total)
    return answer([to_public(each) for each in sessions], headers=headers)


@operation(status=204, refuses=(*NOT_ALLOWED, SessionNotFound, UserNotFound), beyond_barong=True)
async def end(request: web.Request, form: EndSessionsForm) -> web.Response:
    """End a session of a user, or all of them.

    Without `id` all sessions end, if there are any. API keys and trusted devices stay.
    """
    actor = Actor.of(request[PRINCIPAL])
    await request.app[SESSIONS].end(actor, form.uid, form.id)
    return nothing()
