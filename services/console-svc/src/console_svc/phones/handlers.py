"""Phones, and their codes."""

from aiohttp import web

from console_svc.pages.visit import Eager, Visit

_PAGE = "/account/phones"


@Eager
async def show(visit: Visit) -> web.StreamResponse:
    """One's phones; those without a verification have a field for the code."""
    phones = (await visit.get("resource/phones")).body
    return visit.page("phones/phones.html", phones=phones)


async def add(visit: Visit) -> web.StreamResponse:
    """Adds a phone, to which a code is sent."""
    await visit.send("POST", "resource/phones", "phone_number")
    return visit.go(_PAGE, "phone_added")


async def send_code(visit: Visit) -> web.StreamResponse:
    """Sends another code."""
    await visit.send("POST", "resource/phones/send_code", "phone_number")
    return visit.go(_PAGE, "code_sent")


async def verify(visit: Visit) -> web.StreamResponse:
    """Verifies a phone."""
    await visit.send("POST", "resource/phones/verify", "phone_number", "verification_code")
    return visit.go(_PAGE, "phone_verified")


async def remove(visit: Visit) -> web.StreamResponse:
    """Removes a phone."""
    await visit.send("DELETE", "resource/phones", "phone_number")
    return visit.go(_PAGE, "phone_removed")
