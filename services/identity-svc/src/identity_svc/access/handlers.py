"""Access by whitelink."""

from aiohttp import web

from identity_svc.access.forms import UseWhitelinkForm
from identity_svc.access.use_whitelink import UseWhitelink
from shared.web.answers import nothing
from shared.web.client import client_of

USE_WHITELINK = web.AppKey("use_whitelink", UseWhitelink)


async def use_whitelink(request: web.Request, form: UseWhitelinkForm) -> web.Response:
    """POST /identity/users/access."""
    await request.app[USE_WHITELINK](form.whitelink_token, client_of(request))
    return nothing(201)
