"""Sessions of a member."""

from uuid import UUID

from aiohttp import web

from console_svc.pages.visit import Eager, Visit
from shared.errors import NotFound

_PAGE = "/account/sessions"
_MOST = "100"
_PER_PAGE = "20"
"""A page has at most 60 kB, however much browsers tell of themselves."""


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """One's living sessions, the newest first, page by page."""
    number = visit.page_number
    answer = await visit.get("resource/sessions", page=str(number), limit=_PER_PAGE)
    return visit.page(
        "sessions/sessions.html",
        sessions=answer.body,
        are_others=(answer.total or 0) > 1,
        number=number,
        more='rel="next"' in answer.headers.get("Link", ""),
    )


async def end(visit: Visit) -> web.StreamResponse:
    """Ends one."""
    try:
        sid = UUID(visit.text("id"))
    except ValueError:
        raise NotFound from None
    await visit.call("DELETE", f"resource/sessions/{sid}", {})
    return visit.go(_PAGE, "session_ended", **visit.same_page)


async def end_others(visit: Visit) -> web.StreamResponse:
    """Ends all but this one; the API shows a hundred at a time."""
    while others := [
        session["id"]
        for session in (await visit.get("resource/sessions", limit=_MOST)).body
        if not session["current"]
    ]:
        for sid in others:
            await visit.call("DELETE", f"resource/sessions/{UUID(sid)}", {})
    return visit.go(_PAGE, "sessions_ended")
