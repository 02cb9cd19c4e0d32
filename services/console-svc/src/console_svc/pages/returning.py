"""Where a visitor goes after a page that stood in their way, such as the log-in."""

from aiohttp import web

from console_svc.pages.visit import Visit

FIRST_PAGE = "/account"
_MAX_PATH = 2048
_IN_THE_WAY = ("/account/log-", "/account/verification")


def way_back(visit: Visit) -> str:
    """The address in `next` of the form or the address: a page of ours, whatever it says."""
    path = str(visit.form.get("next", visit.request.query.get("next", "")))
    ours = path.startswith(("/account/", "/account?", "/console/", "/console?")) or path in (
        "/account",
        "/console",
    )
    safe = path.isascii() and path.isprintable() and "\\" not in path and len(path) <= _MAX_PATH
    return path if ours and safe and not path.startswith(_IN_THE_WAY) else FIRST_PAGE


def detour(visit: Visit, path: str, back: str, **query: str) -> web.Response:
    """Sends the browser to `path`, from where it comes to `back`."""
    return visit.go(path, next=back, **query)
