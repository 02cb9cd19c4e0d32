"""The page by which a form leads to another site.

A redirect would not do: browsers follow none from a form to a site that `form-action` of the
Content-Security-Policy does not name.
"""

from aiohttp import web

from console_svc.pages.visit import Visit


def leave(visit: Visit, url: str) -> web.Response:
    """Sends the browser to an address that the API named, at once, and shows a link to it."""
    visit.forget_form()
    return visit.page("pages/leaving.html", url=url)
