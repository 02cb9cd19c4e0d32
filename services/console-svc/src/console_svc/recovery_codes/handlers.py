"""Recovery codes, for members who have lost their second factor."""

from urllib.parse import quote

from aiohttp import web

from console_svc.pages.visit import Visit

_CODES = "resource/otp/recovery_codes"


async def show(visit: Visit) -> web.StreamResponse:
    """How many are left."""
    left = (await visit.get(_CODES)).body
    return visit.page("recovery_codes/recovery_codes.html", left=left, codes=(), file="")


async def make(visit: Visit) -> web.StreamResponse:
    """Makes ten and shows them this once; the older ones are void."""
    made = (await visit.call("POST", _CODES, {})).body
    codes = [str(code) for code in made["codes"]]
    return visit.page(
        "recovery_codes/recovery_codes.html",
        left=made,
        codes=codes,
        # A file without a script, and without a second page that would have to know the codes.
        file="data:text/plain;charset=utf-8," + quote("\n".join(codes) + "\n"),
    )
