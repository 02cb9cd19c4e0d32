"""Pages for the code that a device shows (RFC 8628, 3.3): log-in, code, and an explicit answer.

The code alone, or a link with it, allows nothing (5.4): the user logs in, sees who asks for what,
and from where, and answers in a form that only this page has.
"""

from functools import partial

from aiohttp import web

from oauth_svc.authorizations.models import ACCEPT, WrongCsrfToken
from oauth_svc.devices.models import UnknownUserCode
from oauth_svc.pages import login_form
from oauth_svc.pages.responses import (
    PAGES,
    go,
    message,
    page,
    rendered,
    require_own_form,
    text_for,
)
from oauth_svc.protocol.authorization import answer_uri
from oauth_svc.protocol.device_authorization import read_user_code, show_user_code
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.protocol_http import parameters_of
from oauth_svc.single_sign_on.handlers import session_of
from oauth_svc.single_sign_on.use_cases import BrowserSession
from shared.errors import Throttled
from shared.web.client import client_of
from shared.web.operations import FormReader, NoParameters

_MAX_INPUT = 1024


@page
async def show_form(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/device: a code of the link is only filled in."""
    code = _code_of(await parameters_of(request))
    session = await session_of(request)
    return _to_login(request, code) if session is None else _code_page(request, session, code)


@page
async def enter(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/device: the code that the user typed."""
    require_own_form(request)
    parameters, session = await parameters_of(request), await session_of(request)
    typed = parameters.get("user_code") or ""
    if session is None:
        return _to_login(request, _code_of(parameters))
    _require_token(session, parameters)
    try:
        shown = await request.app[PAGES].devices.enter(typed, session, client_of(request))
    except UnknownUserCode:
        return _code_page(request, session, typed, "device_unknown", status=404)
    except Throttled as throttled:
        response = _code_page(request, session, "", "throttled", status=429)
        response.headers["Retry-After"] = str(throttled.retry_after)
        return response
    return go(_path(request, "/confirm", request=shown))


@page
async def show_request(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/device/confirm: who asks for what, and from where."""
    shown = (await parameters_of(request)).require("request")
    session = await session_of(request)
    if session is None:
        return _to_login(request, "")
    found = await request.app[PAGES].devices.get(shown, session)
    names = text_for(request)["scope"]
    origin = found.request.origin
    return rendered(
        request,
        "device_confirm",
        handle=shown,
        client_name=found.client.name,
        scopes=[names.get(scope, scope) for scope in found.request.scopes],
        address=origin.address,
        user_agent=origin.user_agent,
        asked_at=found.request.created_at.strftime("%Y-%m-%d %H:%M UTC"),
        elsewhere=not origin.is_near(client_of(request).ip),
        email=session.user.email,
        csrf_token=session.csrf_token,
    )


@page
async def respond(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/device/confirm: the user's answer; whatever is not a yes is a no."""
    require_own_form(request)
    parameters, session = await parameters_of(request), await session_of(request)
    shown = parameters.require("request")
    if session is None:
        return _to_login(request, "")
    _require_token(session, parameters)
    devices = request.app[PAGES].devices
    if parameters.get("action") == ACCEPT:
        await devices.allow(shown, session)
        return message(request, "device_allowed", 200)
    await devices.refuse(shown, session)
    return message(request, "device_refused", 200)


@page
async def show_login(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/device/login."""
    return _login_page(request, _code_of(await parameters_of(request)), "")


@page
async def log_in(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/device/login: a session, and nothing else."""
    require_own_form(request)
    parameters = await parameters_of(request)
    code = _code_of(parameters)
    return await login_form.log_in(
        request,
        parameters,
        await session_of(request),
        text_for(request),
        partial(_login_page, request, code),
        _path(request, user_code=show_user_code(code) if code else None),
    )


def _code_of(parameters: Parameters) -> str:
    """The code that was given, blank for what cannot be one."""
    return read_user_code(parameters.get("user_code") or "") or ""


def _path(request: web.Request, below: str = "", /, **parameters: str | None) -> str:
    given = {name: value for name, value in parameters.items() if value is not None}
    path = f"{request.app[PAGES].issuer}/oauth/device{below}"
    return answer_uri(path, given) if given else path


def _to_login(request: web.Request, code: str) -> web.Response:
    """To the log-in page, from which the user comes back."""
    user_code = show_user_code(code) if code else None
    elsewhere = request.app[PAGES].device_login_url
    if elsewhere:
        return go(answer_uri(elsewhere, {"return_to": _path(request, user_code=user_code)}))
    return go(_path(request, "/login", user_code=user_code))


def _require_token(session: BrowserSession, parameters: Parameters) -> None:
    if not session.has_token(parameters.get("csrf_token") or ""):
        raise WrongCsrfToken


def _code_page(
    request: web.Request, session: BrowserSession, typed: str, fault: str = "", *, status: int = 200
) -> web.Response:
    code = read_user_code(typed)
    return rendered(
        request,
        "device",
        status=status,
        user_code=show_user_code(code) if code else typed[:_MAX_INPUT],
        fault=text_for(request)[fault] if fault else "",
        email=session.user.email,
        csrf_token=session.csrf_token,
    )


def _login_page(
    request: web.Request,
    code: str,
    email: str,
    fault: str = "",
    *,
    status: int = 200,
    needs_code: bool = False,
) -> web.Response:
    return rendered(
        request,
        "device_login",
        status=status,
        user_code=show_user_code(code) if code else "",
        email=email,
        fault=fault,
        needs_code=needs_code,
    )
