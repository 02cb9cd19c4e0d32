"""The session cookie of a request."""

from aiohttp import web

from oauth_svc.single_sign_on.use_cases import BrowserSession, SingleSignOn
from shared.web.client import client_of
from shared.web.cookies import cookies

SINGLE_SIGN_ON = web.AppKey("single_sign_on", SingleSignOn)


async def session_of(request: web.Request) -> BrowserSession | None:
    """The living session of the browser; None without one. Raises `Unavailable`."""
    single_sign_on = request.app[SINGLE_SIGN_ON]
    found = cookies(request.headers, single_sign_on.cookie_name)
    return await single_sign_on.find(found, client_of(request))


def hand_over(request: web.Request, response: web.Response, cookie: str) -> None:
    """Sets the cookie of a new session, as identity-svc does."""
    single_sign_on = request.app[SINGLE_SIGN_ON]
    response.set_cookie(
        single_sign_on.cookie_name,
        cookie,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=single_sign_on.secure_cookies,
    )


def take_back(request: web.Request, response: web.Response) -> None:
    """Deletes the cookie."""
    single_sign_on = request.app[SINGLE_SIGN_ON]
    response.del_cookie(
        single_sign_on.cookie_name,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=single_sign_on.secure_cookies,
    )
