"""Passkeys of a member."""

from uuid import UUID

from aiohttp import web

from console_svc.pages.passkeys import credential
from console_svc.pages.visit import Eager, Visit
from shared.errors import NotFound

_PAGE = "/account/passkeys"
_PASSKEYS = "resource/passkeys"


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """One's passkeys, the oldest first."""
    configs = (await visit.get("identity/configs")).body
    return visit.page(
        "passkeys/passkeys.html",
        passkeys=(await visit.get(_PASSKEYS)).body,
        providers="log_in_providers" in configs,
    )


async def add(visit: Visit) -> web.StreamResponse:
    """Adds the passkey that the browser has made."""
    made = await credential(visit, f"{_PASSKEYS}/options")
    await visit.call("POST", _PASSKEYS, {"credential": made, "name": visit.text("name")})
    return visit.go(_PAGE, "passkey_added")


async def rename(visit: Visit) -> web.StreamResponse:
    """Gives one another name."""
    await visit.send("PATCH", f"{_PASSKEYS}/{_id(visit)}", "name")
    return visit.go(_PAGE, "passkey_renamed")


async def remove(visit: Visit) -> web.StreamResponse:
    """Deletes one."""
    await visit.call("DELETE", f"{_PASSKEYS}/{_id(visit)}", {})
    return visit.go(_PAGE, "passkey_removed")


def _id(visit: Visit) -> UUID:
    try:
        return UUID(visit.text("id"))
    except ValueError:
        raise NotFound from None
