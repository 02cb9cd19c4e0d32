"""How pages are answered: without scripts, in the visitor's language, and faults as pages, too."""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, TypeAlias

from aiohttp import web

from oauth_svc.authorizations.models import ChallengeNotFound, Shown, WrongCsrfToken
from oauth_svc.devices.models import DeviceRequestNotFound
from oauth_svc.pages.rendering import accepted_languages
from oauth_svc.pages.use_cases import Pages
from oauth_svc.protocol.errors import OAuthError
from shared.errors import Unavailable
from shared.web.content_security import source_of
from shared.web.errors import OUTCOME
from shared.web.operations import FormReader, NoParameters

PAGES = web.AppKey("pages", Pages)

Page: TypeAlias = Callable[[web.Request, FormReader[NoParameters]], Awaitable[web.Response]]


def page(handler: Page) -> Page:
    """Answers faults with a page, and never with a redirect."""

    @wraps(handler)
    async def wrapped(request: web.Request, form: FormReader[NoParameters]) -> web.Response:
        try:
            return await handler(request, form)
        except OAuthError as error:
            request[OUTCOME] = error.error
            return message(request, "error", error.status, error.description)
        except (ChallengeNotFound, DeviceRequestNotFound) as refusal:
            request[OUTCOME] = ",".join(refusal.codes)
            return message(request, "expired", 404)
        except WrongCsrfToken as refusal:
            request[OUTCOME] = ",".join(refusal.codes)
            return message(request, "error", 403, text_for(request)["wrong_form"])
        except Unavailable as refusal:
            request[OUTCOME] = ",".join(refusal.codes)
            response = message(request, "unavailable", 503)
            response.headers["Retry-After"] = str(refusal.retry_after)
            return response
        except web.RequestPayloadError:
            return message(request, "error", 400)

    return wrapped


def require_own_form(request: web.Request) -> None:
    """Raises `WrongCsrfToken` for a form of another site: browsers send its Origin (RFC 6454)."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != request.app[PAGES].issuer:
        raise WrongCsrfToken


def message(request: web.Request, name: str, status: int, detail: str = "") -> web.Response:
    """A page with the texts `<name>_title` and `<name>`, without a form or a link."""
    text = text_for(request)
    return rendered(
        request,
        "message",
        status=status,
        title=text[f"{name}_title"],
        message=text[name],
        detail=detail,
    )


def rendered(
    request: web.Request,
    name: str,
    shown: Shown | None = None,
    *,
    status: int = 200,
    leads_to: str | None = None,
    **values: Any,
) -> web.Response:
    """The page of a template.

    Its forms may lead to the redirect URI of `shown`, or to `leads_to`, and nowhere else.
    """
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


def text_for(request: web.Request, shown: Shown | None = None) -> Any:
    """The texts in the language that the client or the browser prefers."""
    return request.app[PAGES].renderer.text(_language(request, shown))


def _language(request: web.Request, shown: Shown | None = None) -> str:
    asked: Sequence[str] = shown.challenge.request.ui_locales if shown else ()
    accepted = accepted_languages(request.headers.get("Accept-Language", ""))
    return request.app[PAGES].renderer.language([*asked, *accepted])


def go(location: str) -> web.Response:
    """A redirect after which the browser makes a GET, whatever it made before (RFC 9700, 4.12)."""
    return web.Response(
        status=303,
        headers={
            "Location": location,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        },
    )
