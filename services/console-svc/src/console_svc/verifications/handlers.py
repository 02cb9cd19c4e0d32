"""Proving once more who one is (step-up), where an operation asks for it (RFC 9470)."""

from aiohttp import web

from console_svc.pages.returning import way_back
from console_svc.pages.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The form: the password, or a code if the second factor is on."""
    wanted = visit.text("acr") or visit.request.query.get("acr", "")
    return visit.page("verifications/verification.html", next=way_back(visit), acr=wanted)


async def verify(visit: Visit) -> web.StreamResponse:
    """Renews the authentication of the session, and leads back."""
    given = {name: visit.text(name) for name in ("password", "otp_code") if visit.text(name)}
    await visit.call("POST", "resource/sessions/verify", given)
    back = way_back(visit)
    return visit.go(back, "" if "?" in back else "verified")
