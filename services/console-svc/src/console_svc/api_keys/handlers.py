"""API keys of a member."""

import re

from aiohttp import web

from console_svc.pages.visit import Visit
from shared.errors import NotFound

_PAGE = "/account/api-keys"
_KID = re.compile(r"[0-9A-Za-z_-]{1,64}")


async def show(visit: Visit) -> web.StreamResponse:
    """One's API keys."""
    return await _page(visit, created=None)


async def create(visit: Visit) -> web.StreamResponse:
    """Makes a key; its secret is shown this once."""
    form = {name: visit.text(name) for name in ("algorithm", "totp_code")}
    form |= {name: text for name in ("scope", "public_key") if (text := visit.text(name))}
    created = (await visit.call("POST", "resource/api_keys", form)).body
    visit.forget_form()
    return await _page(visit, created=created)


async def change_state(visit: Visit) -> web.StreamResponse:
    """Makes a key active or inactive."""
    await visit.send("PATCH", f"resource/api_keys/{_kid(visit)}", "state", "totp_code")
    return visit.go(_PAGE, "key_changed")


async def remove(visit: Visit) -> web.StreamResponse:
    """Deletes a key."""
    await visit.send("DELETE", f"resource/api_keys/{_kid(visit)}", "totp_code")
    return visit.go(_PAGE, "key_deleted")


async def _page(visit: Visit, created: dict[str, str] | None) -> web.Response:
    keys = (await visit.get("resource/api_keys")).body if visit.me["otp"] else []
    return visit.page("api_keys/api_keys.html", keys=keys, created=created)


def _kid(visit: Visit) -> str:
    kid = visit.path["kid"]
    if not _KID.fullmatch(kid):
        raise NotFound
    return kid
