"""The session cookie of a request."""

from aiohttp import web

from oauth_svc.single_sign_on.use_cases import BrowserSession, SingleSignOn
from shared.web.client import client_of
from shared.web.cookies import cookies

SINGLE_SIGN_ON = web.AppKey("single_sign_on", SingleSignOn)
COOKIE_NAME = web.AppKey("cookie_name", str)
SECURE_COOKIES = web.AppKey("secure_cookies", bool)


async def session_of(request: web.Request) -> BrowserSession | None:
    """The living session of the browser; None without one. Raises `Unavailable`."""
    found = cookies(request.headers, request.app[COOKIE_NAME])
    return await request.app[SINGLE_SIGN_ON].find(found, client_of(request))


def hand_over(request: web.Request, response: web.Response, cookie: str) -> None:
    """Lets the browser keep a new session's cookie, as identity-svc does."""
    response.set_cookie(
        request.app[COOKIE_NAME],
        cookie,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=request.app[SECURE_COOKIES],
    )


def take_back(request: web.Request, response: web.Response) -> None:
    """Lets the browser delete the cookie."""
    response.del_cookie(
        request.app[COOKIE_NAME],
        path="/",
        httponly=True,
        samesite="Lax",
        secure=request.app[SECURE_COOKIES],
    )
