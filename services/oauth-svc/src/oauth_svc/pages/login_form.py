"""The log-in form, which two pages have: password and second factor make a session."""

from typing import Any, Protocol

from aiohttp import web

from oauth_svc.pages.responses import PAGES, go
from oauth_svc.protocol.parameters import Parameters
from oauth_svc.single_sign_on.handlers import hand_over
from oauth_svc.single_sign_on.use_cases import BrowserSession
from shared.errors import Throttled
from shared.web.client import client_of

_MISSING_CODE = ("identity.session.missing_otp", "identity.session.invalid_otp")
_MAX_INPUT = 1024
_MAX_CODE = 64


class LoginPage(Protocol):
    """Shows the page again, with what was typed and what is wrong with it."""

    def __call__(
        self, email: str, fault: str, *, status: int, needs_code: bool = False
    ) -> web.Response:
        """The page."""
        ...


async def log_in(
    request: web.Request,
    parameters: Parameters,
    before: BrowserSession | None,
    text: Any,
    show_again: LoginPage,
    leads_to: str,
) -> web.Response:
    """A redirect to `leads_to` with the new session's cookie, or the page with the fault.

    `before` is the session of the cookie that the browser sent. The new one replaces it, so it
    ends. `text` has the sentences in the page's language.
    """
    pages, client = request.app[PAGES], client_of(request)
    email, password, code = (
        (parameters.get(name) or "")[:_MAX_INPUT] for name in ("email", "password", "otp_code")
    )
    try:
        cookie, refused = await pages.log_in(email, password, code[:_MAX_CODE], client)
    except Throttled as throttled:
        response = show_again(email, text["throttled"], status=429)
        response.headers["Retry-After"] = str(throttled.retry_after)
        return response
    if cookie is None:
        faults = text["fault"]
        fault = faults.get(refused[0] if refused else "other", faults["other"])
        needs_code = bool(set(refused) & set(_MISSING_CODE))
        return show_again(email, fault, status=401, needs_code=needs_code)
    await pages.end_replaced(before, cookie, client)
    response = go(leads_to)
    hand_over(request, response, cookie)
    return response
