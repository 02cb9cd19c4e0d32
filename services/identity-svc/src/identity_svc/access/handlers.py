"""Access by whitelink."""

from aiohttp import web

from identity_svc.access.schemas import UseWhitelinkForm
from identity_svc.access.use_cases import Access
from shared.web.answers import nothing
from shared.web.client import client_of

ACCESS = web.AppKey("access", Access)


async def use_whitelink(request: web.Request, form: UseWhitelinkForm) -> web.Response:
    """POST /identity/users/access."""
    await request.app[ACCESS].use_whitelink(form.whitelink_token, client_of(request))
    return nothing(201)
