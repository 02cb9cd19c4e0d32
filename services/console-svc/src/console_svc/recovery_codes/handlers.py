"""Recovery codes, for members who have lost their second factor."""

import asyncio
from urllib.parse import quote

from aiohttp import web

from console_svc.pages.visit import Eager, Visit

_CODES = "resource/otp/recovery_codes"


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """How many are left, and the form that makes others where they are of use."""
    left, passkeys = await asyncio.gather(visit.get(_CODES), visit.get("resource/passkeys"))
    return visit.page(
        "recovery_codes/recovery_codes.html",
        left=left.body,
        codes=(),
        file="",
        useful=bool(visit.me["otp"] or passkeys.body),
    )


async def make(visit: Visit) -> web.StreamResponse:
    """Makes ten and shows them this once; the older ones are void."""
    made = (await visit.call("POST", _CODES, {})).body
    codes = [str(code) for code in made["codes"]]
    return visit.page(
        "recovery_codes/recovery_codes.html",
        left=made,
        codes=codes,
        useful=True,
        # A file without a script, and without a second page that would have to know the codes.
        file="data:text/plain;charset=utf-8," + quote("\n".join(codes) + "\n"),
    )
