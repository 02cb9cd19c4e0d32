"""Pages over HTTP: plain forms, without scripts."""

from functools import partial
from urllib.parse import urlsplit

from aiohttp import web

from oauth_svc.authorizations.models import (
    ACCEPT,
    CONSENT,
    LOGIN,
    REFUSE,
    LoginRequired,
    NothingToConsent,
    Shown,
    WrongCsrfToken,
)
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
from oauth_svc.pages.use_cases import CARRIED
from oauth_svc.protocol.client import ADMINISTRATOR
from oauth_svc.protocol_http import parameters_of
from oauth_svc.single_sign_on.handlers import session_of, take_back
from shared.web.operations import FormReader, NoParameters


@page
async def authorize(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET and POST /oauth/authorize (Core, 3.1.2)."""
    parameters = await parameters_of(request)
    authorizations = request.app[PAGES].authorizations
    return go(await authorizations.begin(parameters, await session_of(request)))


@page
async def resume(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/authorize/resume: the browser comes back from a page."""
    challenge = (await parameters_of(request)).require("challenge")
    return go(await request.app[PAGES].authorizations.resume(challenge, await session_of(request)))


@page
async def show_login(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/login."""
    challenge = (await parameters_of(request)).require("login_challenge")
    shown = await request.app[PAGES].authorizations.get(challenge, await session_of(request))
    return _login_page(request, challenge, shown, shown.challenge.request.login_hint or "")


@page
async def log_in(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/login."""
    require_own_form(request)
    parameters, pages = await parameters_of(request), request.app[PAGES]
    challenge, before = parameters.require("login_challenge"), await session_of(request)
    shown = await pages.authorizations.get(challenge, before)
    if parameters.get("action") == REFUSE:
        return go(await pages.authorizations.answer(challenge, LOGIN, REFUSE, None, ""))
    return await login_form.log_in(
        request,
        parameters,
        before,
        text_for(request, shown),
        partial(_login_page, request, challenge, shown),
        pages.authorizations.resume_url(challenge),
    )


@page
async def show_consent(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/consent."""
    challenge = (await parameters_of(request)).require("consent_challenge")
    pages, session = request.app[PAGES], await session_of(request)
    shown = await pages.authorizations.get(challenge, session)
    if session is None or shown.kind != CONSENT:
        return go(pages.authorizations.resume_url(challenge))
    names = text_for(request, shown)["scope"]
    return rendered(
        request,
        "consent",
        shown,
        challenge=challenge,
        client_name=shown.client.name,
        client_host=shown.client.host,
        redirect_host=_unchecked_host(shown),
        scopes=[names.get(scope, scope) for scope in shown.challenge.request.scopes],
        email=session.user.email,
        csrf_token=session.csrf_token,
    )


@page
async def consent(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/consent."""
    require_own_form(request)
    parameters, pages = await parameters_of(request), request.app[PAGES]
    challenge = parameters.require("consent_challenge")
    action = ACCEPT if parameters.get("action") == ACCEPT else REFUSE
    session, csrf = await session_of(request), parameters.get("csrf_token") or ""
    if action == REFUSE and (session is None or not session.has_token(csrf)):
        raise WrongCsrfToken
    try:
        return go(await pages.authorizations.answer(challenge, CONSENT, action, session, csrf))
    except (LoginRequired, NothingToConsent):
        return go(pages.authorizations.resume_url(challenge))


@page
async def log_out(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET and POST /oauth/logout (RP-Initiated Logout 1.0)."""
    parameters, pages = await parameters_of(request), request.app[PAGES]
    asked = await pages.read_logout(parameters)
    session = await session_of(request)
    if session is not None:
        token = parameters.get("csrf_token") if request.method == "POST" else None
        if token is not None:
            require_own_form(request)
            if not session.has_token(token):
                raise WrongCsrfToken
        elif not asked.is_about(session):
            given = [(name, parameters.get(name)) for name in CARRIED]
            return rendered(
                request,
                "logout",
                carried=[(name, value) for name, value in given if value is not None],
                email=session.user.email,
                csrf_token=session.csrf_token,
                leads_to=asked.redirect_to,
            )
        await pages.single_sign_on.end(session)
    done = (
        message(request, "logged_out", 200) if asked.redirect_to is None else go(asked.redirect_to)
    )
    if session is not None:
        take_back(request, done)
    return done


async def style(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /oauth/style.css."""
    return web.Response(
        text=request.app[PAGES].renderer.style(),
        content_type="text/css",
        headers={"Cache-Control": "public, max-age=3600"},
    )


def _unchecked_host(shown: Shown) -> str | None:
    """Where the browser goes from a client that no administrator has registered."""
    if shown.client.registered_by == ADMINISTRATOR:
        return None
    return urlsplit(shown.challenge.request.redirect_uri).hostname


def _login_page(
    request: web.Request,
    challenge: str,
    shown: Shown,
    email: str,
    fault: str = "",
    *,
    status: int = 200,
    needs_code: bool = False,
) -> web.Response:
    return rendered(
        request,
        "login",
        shown,
        status=status,
        challenge=challenge,
        client_name=shown.client.name,
        client_host=shown.client.host,
        email=email,
        fault=fault,
        needs_code=needs_code,
    )
