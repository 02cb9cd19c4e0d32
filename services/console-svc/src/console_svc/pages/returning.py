"""Where a visitor goes after a page that stood in their way, such as the log-in."""

import re
from urllib.parse import quote, unquote, urlsplit

from aiohttp import web

from console_svc.pages.visit import Visit
from shared.web.cookies import cookies

FIRST_PAGE = "/account"
_COOKIE = "barong_way_back"
_COOKIE_SECONDS = 900
_MAX_PATH = 2048
_IN_THE_WAY = ("/account/log-", "/account/verification")
_RESUME = "/oauth/authorize/resume?challenge="
_CHALLENGE = r"[A-Za-z0-9_-]{1,128}"
_TO_APPLICATION = re.compile(f"{re.escape(_RESUME)}({_CHALLENGE})")
_TO_DEVICE = re.compile(r"/oauth/device(\?user_code=[A-Z-]{1,16})?")


def way_back(visit: Visit) -> str:
    """The address in `next` of the form or the address: a page of ours, whatever it says.

    oauth-svc sends visitors with `login_challenge` for an application, and with `return_to` for a
    device (docs/consumers/oauth.md): they go back to oauth-svc. Where nothing of it is given, the
    browser may have kept the way.
    """
    query = visit.request.query
    path = visit.text("next") or query.get("next", "")
    if not path and re.fullmatch(_CHALLENGE, query.get("login_challenge", "")):
        path = _RESUME + query["login_challenge"]
    if not path:
        path = _without_origin(query.get("return_to", ""))
    if not path:
        path = unquote(next(iter(cookies(visit.request.headers, _COOKIE)), ""))
    if challenge_in(path) or leads_to_device(path):
        return path
    ours = path.startswith(("/account/", "/account?", "/console/", "/console?")) or path in (
        "/account",
        "/console",
    )
    safe = path.isascii() and path.isprintable() and "\\" not in path and len(path) <= _MAX_PATH
    return path if ours and safe and not path.startswith(_IN_THE_WAY) else FIRST_PAGE


def keep_way(visit: Visit, path: str) -> None:
    """Lets the browser keep the way for the pages below `path`, while its user reads mail, say."""
    visit.set_cookie(_COOKIE, quote(way_back(visit), safe=""), path, _COOKIE_SECONDS)


def forget_way(visit: Visit, path: str) -> None:
    """Takes back what `keep_way` did."""
    visit.set_cookie(_COOKIE, "", path, 0)


def challenge_in(path: str) -> str:
    """The challenge to which a way back leads; blank for other pages."""
    match = _TO_APPLICATION.fullmatch(path)
    return match[1] if match else ""


def leads_to_device(path: str) -> bool:
    """Whether a way back leads to the page for devices."""
    return _TO_DEVICE.fullmatch(path) is not None


def detour(visit: Visit, path: str, back: str, **query: str) -> web.Response:
    """Sends the browser to `path`, from where it comes to `back`."""
    return visit.go(path, next=back, **query)


def _without_origin(url: str) -> str:
    """The path and the query of an address, which are then looked for at our own site."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
