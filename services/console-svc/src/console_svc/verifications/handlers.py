"""Proving once more who one is (step-up), where an operation asks for it (RFC 9470)."""

import asyncio

from aiohttp import web

from console_svc.pages.passkeys import credential
from console_svc.pages.returning import way_back
from console_svc.pages.visit import Eager, Visit


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """The form: the password, or a code if the second factor is on; or a passkey.

    A recovery code takes the place of what is lost, where there are some.
    """
    wanted = visit.text("acr") or visit.request.query.get("acr", "")
    passkeys, codes = await asyncio.gather(
        visit.get("resource/passkeys"), visit.get("resource/otp/recovery_codes")
    )
    return visit.page(
        "verifications/verification.html",
        next=way_back(visit),
        acr=wanted,
        has_passkey=bool(passkeys.body),
        codes_left=codes.body["remaining"],
    )


async def verify(visit: Visit) -> web.StreamResponse:
    """Renews the authentication of the session, and leads back."""
    given = {"password": visit.text("password"), "otp_code": visit.code("otp_code")}
    shown = {name: value for name, value in given.items() if value}
    await visit.call("POST", "resource/sessions/verify", shown)
    return _back(visit)


async def verify_by_passkey(visit: Visit) -> web.StreamResponse:
    """The same by a passkey."""
    shown = await credential(visit, "resource/sessions/verify/passkey/options")
    await visit.call("POST", "resource/sessions/verify/passkey", {"credential": shown})
    return _back(visit)


def _back(visit: Visit) -> web.Response:
    back = way_back(visit)
    return visit.go(back, "" if "?" in back else "verified")
