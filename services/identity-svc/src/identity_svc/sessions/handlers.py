"""The caller's session, log-out, and the gateway's questions about sessions."""

from aiohttp import web

from identity_svc.sessions.models import NoSession
from identity_svc.sessions.schemas import (
    CurrentSessionSchema,
    IssueTokenForm,
    ListSessionsForm,
    ResolveSessionForm,
    RevokeSessionForm,
    RevokeSessionOfForm,
    to_internal,
    to_public,
)
from identity_svc.sessions.use_cases import Sessions
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

SESSIONS = web.AppKey("sessions", Sessions)


@operation(answer=CurrentSessionSchema, refuses=(NoSession,), beyond_barong=True)
async def show(request: web.Request, _form: NoParameters) -> web.Response:
    """The current session, and its CSRF token.

    For a second tab, which did not see the log-in.
    """
    sessions = request.app[SESSIONS]
    cookies = sessions.cookie.all_of(request)
    return answer(to_public(await sessions.get_current(request[PRINCIPAL].sid, cookies)))


@operation(status=204, refuses=(NoSession,), statuses=(400,))
async def log_out(request: web.Request, _form: NoParameters) -> web.Response:
    """Log out."""
    sessions = request.app[SESSIONS]
    await sessions.log_out(sessions.cookie.all_of(request), client_of(request))
    return sessions.cookie.take_back(nothing())


async def resolve(request: web.Request, form: ResolveSessionForm) -> web.Response:
    """POST /sessions/resolve."""
    session = await request.app[SESSIONS].resolve(key=form.key, sid=form.sid, address=form.address)
    return answer(session.to_internal())


async def issue_token(request: web.Request, form: IssueTokenForm) -> web.Response:
    """POST /users/{uid}/token."""
    return answer((await request.app[SESSIONS].issue_token(form.uid)).to_internal())


async def revoke(request: web.Request, form: RevokeSessionForm) -> web.Response:
    """DELETE /sessions/{sid}: one that has ended already is no error."""
    await request.app[SESSIONS].revoke(form.sid)
    return nothing()


async def revoke_of(request: web.Request, form: RevokeSessionOfForm) -> web.Response:
    """DELETE /users/{uid}/sessions/{sid}."""
    if not await request.app[SESSIONS].revoke(form.sid, uid=form.uid):
        raise NoSession
    return nothing()


async def index(request: web.Request, form: ListSessionsForm) -> web.Response:
    """GET /users/{uid}/sessions: a page of the living ones, the newest first."""
    sessions, total = await request.app[SESSIONS].list(form.uid, form)
    return answer({"sessions": [to_internal(each) for each in sessions], "total": total})
