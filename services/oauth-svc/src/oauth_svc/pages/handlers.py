"""Pages over HTTP: plain forms, without scripts."""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, TypeAlias

from aiohttp import web

from oauth_svc.authorizations.models import (
    ACCEPT,
    CONSENT,
    LOGIN,
    REFUSE,
    ChallengeNotFound,
    LoginRequired,
    NothingToConsent,
    Shown,
    WrongCsrfToken,
)
from oauth_svc.pages.rendering import accepted_languages
from oauth_svc.pages.use_cases import CARRIED, Pages, source_of
from oauth_svc.protocol.errors import OAuthError
from oauth_svc.protocol_http import parameters_of
from oauth_svc.single_sign_on.handlers import hand_over, session_of, take_back
from shared.errors import Throttled, Unavailable
from shared.web.client import client_of
from shared.web.errors import OUTCOME
from shared.web.operations import FormReader, NoParameters

PAGES = web.AppKey("pages", Pages)

Page: TypeAlias = Callable[[web.Request, FormReader[NoParameters]], Awaitable[web.Response]]

_MISSING_CODE = ("identity.session.missing_otp", "identity.session.invalid_otp")
_MAX_INPUT = 1024


def _page(handler: Page) -> Page:
    """Answers faults with a page, and never with a redirect."""

    @wraps(handler)
    async def wrapped(request: web.Request, form: FormReader[NoParameters]) -> web.Response:
        try:
            return await handler(request, form)
        except OAuthError as error:
            request[OUTCOME] = error.error
            return _message(request, "error", error.status, error.description)
        except ChallengeNotFound as refusal:
            request[OUTCOME] = ",".join(refusal.codes)
            return _message(request, "expired", 404)
        except WrongCsrfToken as refusal:
            request[OUTCOME] = ",".join(refusal.codes)
            return _message(request, "error", 403, _text(request)["wrong_form"])
        except Unavailable as refusal:
            request[OUTCOME] = ",".join(refusal.codes)
            response = _message(request, "unavailable", 503)
            response.headers["Retry-After"] = str(refusal.retry_after)
            return response
        except web.RequestPayloadError:
            return _message(request, "error", 400)

    return wrapped


@_page
async def authorize(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET and POST /oauth/authorize (Core, 3.1.2)."""
    parameters = await parameters_of(request)
    authorizations = request.app[PAGES].authorizations
    return _go(await authorizations.begin(parameters, await session_of(request)))


@_page
async def resume(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/authorize/resume: the browser comes back from a page."""
    challenge = (await parameters_of(request)).require("challenge")
    return _go(await request.app[PAGES].authorizations.resume(challenge, await session_of(request)))


@_page
async def show_login(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/login."""
    challenge = (await parameters_of(request)).require("login_challenge")
    shown = await request.app[PAGES].authorizations.get(challenge, await session_of(request))
    return _login_page(request, challenge, shown, shown.challenge.request.login_hint or "")


@_page
async def log_in(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/login."""
    _require_own_form(request)
    parameters, pages = await parameters_of(request), request.app[PAGES]
    challenge = parameters.require("login_challenge")
    shown = await pages.authorizations.get(challenge, await session_of(request))
    if parameters.get("action") == REFUSE:
        return _go(await pages.authorizations.answer(challenge, LOGIN, REFUSE, None, ""))
    email, password, code = (
        (parameters.get(name) or "")[:_MAX_INPUT] for name in ("email", "password", "otp_code")
    )
    try:
        cookie, refused = await pages.log_in(email, password, code[:64], client_of(request))
    except Throttled as throttled:
        response = _login_page(
            request, challenge, shown, email, _text(request, shown)["throttled"], status=429
        )
        response.headers["Retry-After"] = str(throttled.retry_after)
        return response
    if cookie is None:
        faults = _text(request, shown)["fault"]
        fault = faults.get(refused[0] if refused else "other", faults["other"])
        needs_code = bool(set(refused) & set(_MISSING_CODE))
        return _login_page(
            request, challenge, shown, email, fault, status=401, needs_code=needs_code
        )
    response = _go(pages.authorizations.resume_url(challenge))
    hand_over(request, response, cookie)
    return response


@_page
async def show_consent(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET /oauth/consent."""
    challenge = (await parameters_of(request)).require("consent_challenge")
    pages, session = request.app[PAGES], await session_of(request)
    shown = await pages.authorizations.get(challenge, session)
    if session is None or shown.kind != CONSENT:
        return _go(pages.authorizations.resume_url(challenge))
    names = _text(request, shown)["scope"]
    return _rendered(
        request,
        "consent",
        shown,
        challenge=challenge,
        client_name=shown.client.name,
        scopes=[names.get(scope, scope) for scope in shown.challenge.request.scopes],
        email=session.user.email,
        csrf_token=session.csrf_token,
    )


@_page
async def consent(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """POST /oauth/consent."""
    _require_own_form(request)
    parameters, pages = await parameters_of(request), request.app[PAGES]
    challenge = parameters.require("consent_challenge")
    action = ACCEPT if parameters.get("action") == ACCEPT else REFUSE
    session, csrf = await session_of(request), parameters.get("csrf_token") or ""
    if action == REFUSE and (session is None or not session.has_token(csrf)):
        raise WrongCsrfToken
    try:
        return _go(await pages.authorizations.answer(challenge, CONSENT, action, session, csrf))
    except (LoginRequired, NothingToConsent):
        return _go(pages.authorizations.resume_url(challenge))


@_page
async def log_out(request: web.Request, _form: FormReader[NoParameters]) -> web.Response:
    """GET and POST /oauth/logout (RP-Initiated Logout 1.0)."""
    parameters, pages = await parameters_of(request), request.app[PAGES]
    asked = await pages.read_logout(parameters)
    session = await session_of(request)
    if session is not None:
        token = parameters.get("csrf_token") if request.method == "POST" else None
        if token is not None:
            _require_own_form(request)
            if not session.has_token(token):
                raise WrongCsrfToken
        elif not asked.is_about(session):
            given = [(name, parameters.get(name)) for name in CARRIED]
            return _rendered(
                request,
                "logout",
                carried=[(name, value) for name, value in given if value is not None],
                email=session.user.email,
                csrf_token=session.csrf_token,
                leads_to=asked.redirect_to,
            )
        await pages.single_sign_on.end(session)
    done = (
        _message(request, "logged_out", 200)
        if asked.redirect_to is None
        else _go(asked.redirect_to)
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


def _require_own_form(request: web.Request) -> None:
    """Raises `WrongCsrfToken` for a form of another site: browsers send its Origin (RFC 6454)."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.app[PAGES].issuer:
        raise WrongCsrfToken


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
    return _rendered(
        request,
        "login",
        shown,
        status=status,
        challenge=challenge,
        client_name=shown.client.name,
        email=email,
        fault=fault,
        needs_code=needs_code,
    )


def _message(request: web.Request, name: str, status: int, detail: str = "") -> web.Response:
    text = _text(request)
    return _rendered(
        request,
        "message",
        status=status,
        title=text[f"{name}_title"],
        message=text[name],
        detail=detail,
    )


def _rendered(
    request: web.Request,
    name: str,
    shown: Shown | None = None,
    *,
    status: int = 200,
    leads_to: str | None = None,
    **values: Any,
) -> web.Response:
    target = shown.challenge.request.redirect_uri if shown else leads_to
    actions = " ".join(["'self'", *([source_of(target)] if target else [])])
    return web.Response(
        text=request.app[PAGES].renderer.page(name, _language(request, shown), **values),
        status=status,
        content_type="text/html",
        headers={
            "Content-Security-Policy": (
                "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
                f"form-action {actions}"
            ),
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            # With `no-referrer`, browsers would send `Origin: null` with our own forms.
            "Referrer-Policy": "same-origin",
            "Cache-Control": "no-store",
        },
    )


def _text(request: web.Request, shown: Shown | None = None) -> Any:
    return request.app[PAGES].renderer.text(_language(request, shown))


def _language(request: web.Request, shown: Shown | None = None) -> str:
    asked: Sequence[str] = shown.challenge.request.ui_locales if shown else ()
    accepted = accepted_languages(request.headers.get("Accept-Language", ""))
    return request.app[PAGES].renderer.language([*asked, *accepted])


def _go(location: str) -> web.Response:
    """A redirect after which the browser makes a GET, whatever it made before (RFC 9700, 4.12)."""
    return web.Response(
        status=303,
        headers={
            "Location": location,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )
