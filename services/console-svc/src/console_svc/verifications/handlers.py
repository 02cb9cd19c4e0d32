"""Proving once more who one is (step-up), where an operation asks for it (RFC 9470)."""

from aiohttp import web

from console_svc.pages.passkeys import credential
from console_svc.pages.returning import way_back
from console_svc.pages.visit import Eager, Visit


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """The form: the password, or a code if the second factor is on; or a passkey."""
    wanted = visit.text("acr") or visit.request.query.get("acr", "")
    return visit.page(
        "verifications/verification.html",
        next=way_back(visit),
        acr=wanted,
        has_passkey=bool((await visit.get("resource/passkeys")).body),
    )


async def verify(visit: Visit) -> web.StreamResponse:
    """Renews the authentication of the session, and leads back."""
    given = {name: visit.text(name) for name in ("password", "otp_code") if visit.text(name)}
    await visit.call("POST", "resource/sessions/verify", given)
    return _back(visit)


async def verify_by_passkey(visit: Visit) -> web.StreamResponse:
    """The same by a passkey."""
    shown = await credential(visit, "resource/sessions/verify/passkey/options")
    await visit.call("POST", "resource/sessions/verify/passkey", {"credential": shown})
    return _back(visit)


def _back(visit: Visit) -> web.Response:
    back = way_back(visit)
    return visit.go(back, "" if "?" in back else "verified")
