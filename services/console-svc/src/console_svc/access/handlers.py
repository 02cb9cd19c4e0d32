"""Whoever a restriction keeps out lets their own address in, with a whitelink of staff."""

from aiohttp import web

from console_svc.pages.api import host_of, scheme_of
from console_svc.pages.visit import Visit

_PAGE = "/accounts/access"
_TOKEN = "whitelink_token"  # noqa: S105 - the name of a parameter


def link_with(visit: Visit, token: str) -> str:
    """The address of the page with this token, at the host that the visitor uses."""
    return f"{scheme_of(visit.request)}://{host_of(visit.request)}{_PAGE}?{_TOKEN}={token}"


async def show(visit: Visit) -> web.StreamResponse:
    """A button: programs that look through mails open links."""
    return _page(visit, let_in=False)


async def use(visit: Visit) -> web.StreamResponse:
    """Lets the visitor's address in."""
    await visit.call("POST", "identity/users/access", {_TOKEN: visit.text("token")})
    return _page(visit, let_in=True)


def _page(visit: Visit, *, let_in: bool) -> web.Response:
    token = str(visit.form.get("token", visit.request.query.get(_TOKEN, "")))
    return visit.page("access/access.html", token=token, let_in=let_in)
