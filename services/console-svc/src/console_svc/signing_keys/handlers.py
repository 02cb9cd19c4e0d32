"""The public keys by which others verify tokens and events."""

from aiohttp import web

from console_svc.pages.visit import Visit


async def show(visit: Visit) -> web.StreamResponse:
    """The key set, which is public."""
    answer = await visit.api.call(visit.request, "GET", "", place="/.well-known/jwks.json")
    return visit.page("signing_keys/keys.html", keys=answer.body["keys"])
