"""Whitelinks over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.restrictions.schemas import restriction_to_public
from admin_svc.whitelinks.schemas import CreateWhitelinkForm, UseWhitelinkForm, WhitelinkSchema
from admin_svc.whitelinks.use_cases import Whitelinks
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.principal import PRINCIPAL

WHITELINKS = web.AppKey("whitelinks", Whitelinks)


@operation(status=201, answer=WhitelinkSchema)
async def create(request: web.Request, form: CreateWhitelinkForm) -> web.Response:
    """Make a link that lets an address in."""
    actor = Actor.of(request[PRINCIPAL])
    token = await request.app[WHITELINKS].create(actor, form.lifetime)
    return answer({"whitelink_token": token})


async def use(request: web.Request, form: UseWhitelinkForm) -> web.Response:
    """POST /whitelinks/use, for identity-svc."""
    created = await request.app[WHITELINKS].use(form.token, form.address)
    return answer(restriction_to_public(created), 201)
