"""Changes of the e-mail address."""

from aiohttp import web

from console_svc.pages.visit import Visit

_PAGE = "/account/email"
_CHANGE, _REVERSAL = "email_change_token", "email_reversal_token"


async def show(visit: Visit) -> web.StreamResponse:
    """The form of another address."""
    return visit.page("email_changes/ask.html")


async def ask(visit: Visit) -> web.StreamResponse:
    """Asks for another address; the link in its mail makes the change."""
    await visit.send("POST", "resource/users/email", "email")
    return visit.go(_PAGE, "email_change_sent")


async def show_change(visit: Visit) -> web.StreamResponse:
    """A button: programs that look through mails open links, and a token works once."""
    return visit.page("email_changes/change.html", token=_token(visit, _CHANGE))


async def change(visit: Visit) -> web.StreamResponse:
    """Changes the address, which ends all sessions."""
    await visit.call("POST", "identity/users/email/change", {"token": visit.text("token")})
    return visit.go("/account/log-in", "email_changed")


async def show_reversal(visit: Visit) -> web.StreamResponse:
    """A button, for the same reason."""
    return visit.page("email_changes/reversal.html", token=_token(visit, _REVERSAL))


async def reverse(visit: Visit) -> web.StreamResponse:
    """Gives the old address back; then the password is useless, and a new one has to be set."""
    await visit.call("POST", "identity/users/email/reversal", {"token": visit.text("token")})
    return visit.go("/account/forgotten-password", "email_reversed")


def _token(visit: Visit, name: str) -> str:
    """That of the link, or of the form that is shown again."""
    return visit.text("token") or visit.request.query.get(name, "")
