"""Trusted devices of a member: browsers that are asked for no code."""

from uuid import UUID

from aiohttp import web

from console_svc.pages.visit import Eager, Visit
from shared.errors import NotFound

_PAGE = "/account/trusted-devices"
_DEVICES = "resource/trusted_devices"


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """One's trusted devices, the newest first."""
    devices = (await visit.get(_DEVICES)).body
    return visit.page("trusted_devices/trusted_devices.html", devices=devices)


async def end(visit: Visit) -> web.StreamResponse:
    """Lets a device be asked for codes again."""
    try:
        device = UUID(visit.text("id"))
    except ValueError:
        raise NotFound from None
    await visit.call("DELETE", f"{_DEVICES}/{device}", {})
    return visit.go(_PAGE, "device_ended")
