"""Sessions of a member."""

from uuid import UUID

from aiohttp import web

from console_svc.pages.visit import Eager, Visit
from shared.errors import NotFound

_PAGE = "/account/sessions"
_MOST = "100"


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """One's living sessions, the newest first."""
    answer = await visit.get("resource/sessions", limit=_MOST)
    return visit.page("sessions/sessions.html", sessions=answer.body)


async def end(visit: Visit) -> web.StreamResponse:
    """Ends one."""
    try:
        sid = UUID(visit.text("id"))
    except ValueError:
        raise NotFound from None
    await visit.call("DELETE", f"resource/sessions/{sid}", {})
    return visit.go(_PAGE, "session_ended")


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
