"""The second factor of a member."""

from urllib.parse import parse_qs, urlsplit

import segno
from aiohttp import web

from console_svc.pages.visit import Visit

_PAGE = "/account/second-factor"


async def show(visit: Visit) -> web.StreamResponse:
    """Whether it is on, and the way to the other state."""
    left = 0
    if visit.me["otp"]:
        left = (await visit.get("resource/otp/recovery_codes")).body["remaining"]
    return visit.page(
        "second_factor/second_factor.html", qr="", secret="", otp_url="", codes_left=left
    )


async def begin(visit: Visit) -> web.StreamResponse:
    """Makes a secret and shows it as QR code; it is on once a code of it was given."""
    answer = await visit.call("POST", "resource/otp/generate_qrcode", {})
    return _shown(visit, str(answer.body["data"]["url"]))


async def enable(visit: Visit) -> web.StreamResponse:
    """Turns it on with a code."""
    await visit.send("POST", "resource/otp/enable", "code")
    return visit.go(_PAGE, "otp_enabled")


async def disable(visit: Visit) -> web.StreamResponse:
    """Turns it off with a code, or with a recovery code."""
    await visit.call("POST", "resource/otp/disable", {"code": visit.code("code")})
    return visit.go(_PAGE, "otp_disabled")


def _shown(visit: Visit, otp_url: str) -> web.Response:
    secret = parse_qs(urlsplit(otp_url).query).get("secret", [""])[0]
    return visit.page(
        "second_factor/second_factor.html",
        qr=segno.make(otp_url, micro=False).svg_data_uri(scale=4, border=2, light="#fff"),
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        otp_url=otp_url,
    )
