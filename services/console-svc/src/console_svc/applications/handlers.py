"""Applications to which a member has consented at the OAuth provider."""

import re
from collections.abc import Mapping

from aiohttp import web

from console_svc.pages.texts import marked
from console_svc.pages.visit import Eager, Visit
from shared.errors import NotFound

_PAGE = "/account/applications"
_CONSENTS = "resource/consents"
_PER_PAGE = "25"
_REFERENCE = re.compile(r"(?!\.+$)[A-Za-z0-9._~-]{1,64}")

SCOPES: Mapping[str, str] = {
    "openid": marked("who you are"),
    "profile": marked("your name, birth date and language"),
    "email": marked("your e-mail address"),
    "address": marked("your address"),
    "phone": marked("your phone number"),
    "offline_access": marked("access when you are not there"),
}
"""What the scopes of OpenID Connect allow; others go by their names."""


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """One's consents, page by page."""
    number = visit.page_number
    consents = await visit.get(_CONSENTS, page=str(number), limit=_PER_PAGE)
    return visit.page(
        "applications/applications.html",
        consents=consents.body,
        scopes=SCOPES,
        number=number,
        more='rel="next"' in consents.headers.get("Link", ""),
    )


async def revoke(visit: Visit) -> web.StreamResponse:
    """Takes a consent back: the application's tokens end."""
    reference = visit.text("reference")
    if not _REFERENCE.fullmatch(reference):
        raise NotFound
    await visit.call("DELETE", f"{_CONSENTS}/{reference}", {})
    return visit.go(_PAGE, "consent_revoked")
