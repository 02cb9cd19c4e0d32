"""Access by whitelink."""

from aiohttp import web

from identity_svc.access.models import InvalidWhitelink
from identity_svc.access.schemas import UseWhitelinkForm
from identity_svc.access.use_cases import Access
from shared.contracts.refusals import RestrictionValueTaken
from shared.web.answers import nothing
from shared.web.client import client_of
from shared.web.operations import operation

ACCESS = web.AppKey("access", Access)


@operation(status=201, refuses=(InvalidWhitelink, RestrictionValueTaken), missing_is_400=True)
async def use_whitelink(request: web.Request, form: UseWhitelinkForm) -> web.Response:
    """Let one's own address in, with a whitelink."""
    await request.app[ACCESS].use_whitelink(form.whitelink_token, client_of(request))
    return nothing()
