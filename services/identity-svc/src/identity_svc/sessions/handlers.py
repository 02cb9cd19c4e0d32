"""Log-in and log-out, and the gateway's questions about sessions."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import SESSION_CREATE
from identity_svc.sessions.answers import SessionCookie
from identity_svc.sessions.errors import NoSession
from identity_svc.sessions.forms import (
    IssueTokenForm,
    ListSessionsForm,
    LogInForm,
    ResolveSessionForm,
    RevokeSessionForm,
    RevokeSessionOfForm,
)
from identity_svc.sessions.issue_token import IssueToken
from identity_svc.sessions.list_sessions import ListSessions
from identity_svc.sessions.log_in import LogIn
from identity_svc.sessions.log_out import LogOut
from identity_svc.sessions.resolve_session import ResolveSession
from identity_svc.sessions.revoke import RevokeSession
from identity_svc.sessions.show_session import ShowSession
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

LOG_IN = web.AppKey("log_in", LogIn)
LOG_OUT = web.AppKey("log_out", LogOut)
ISSUE_TOKEN = web.AppKey("issue_token", IssueToken)
RESOLVE_SESSION = web.AppKey("resolve_session", ResolveSession)
REVOKE_SESSION = web.AppKey("revoke_session", RevokeSession)
SHOW_SESSION = web.AppKey("show_session", ShowSession)
LIST_SESSIONS = web.AppKey("list_sessions", ListSessions)
SESSION_COOKIE = web.AppKey("session_cookie", SessionCookie)


async def log_in(request: web.Request, form: LogInForm) -> web.Response:
    """POST /identity/sessions."""
    await request.app[CAPTCHAS].verify(SESSION_CREATE, form.captcha_response)
    opened, attachments = await request.app[LOG_IN](
        form.email or "", form.password or "", form.otp_code or "", client_of(request)
    )
    return request.app[SESSION_COOKIE].hand_over(opened, attachments)


async def show(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/sessions: the caller's session; Barong has no such operation."""
    cookies = request.app[SESSION_COOKIE].all_of(request)
    return answer(await request.app[SHOW_SESSION](request[PRINCIPAL].sid, cookies))


async def log_out(request: web.Request, _form: NoParameters) -> web.Response:
    """DELETE /identity/sessions."""
    cookie = request.app[SESSION_COOKIE]
    await request.app[LOG_OUT](cookie.all_of(request), client_of(request))
    return cookie.take_back(nothing())


async def resolve(request: web.Request, form: ResolveSessionForm) -> web.Response:
    """POST /sessions/resolve."""
    session = await request.app[RESOLVE_SESSION](key=form.key, sid=form.sid, address=form.address)
    return answer(session.body())


async def issue_token(request: web.Request, form: IssueTokenForm) -> web.Response:
    """POST /users/{uid}/token."""
    return answer((await request.app[ISSUE_TOKEN](form.uid)).body())


async def revoke(request: web.Request, form: RevokeSessionForm) -> web.Response:
    """DELETE /sessions/{sid}: one that is gone already is no error."""
    await request.app[REVOKE_SESSION](form.sid)
    return nothing()


async def revoke_of(request: web.Request, form: RevokeSessionOfForm) -> web.Response:
    """DELETE /users/{uid}/sessions/{sid}."""
    if not await request.app[REVOKE_SESSION](form.sid, uid=form.uid):
        raise NoSession
    return nothing()


async def index(request: web.Request, form: ListSessionsForm) -> web.Response:
    """GET /users/{uid}/sessions: a page of the living ones, the newest first."""
    sessions, total = await request.app[LIST_SESSIONS](form.uid, form)
    return answer({"sessions": [session.body() for session in sessions], "total": total})
