"""Whitelinks over HTTP."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.whitelinks.create import CreateWhitelink
from admin_svc.whitelinks.forms import CreateWhitelinkForm, UseWhitelinkForm
from admin_svc.whitelinks.use import UseWhitelink
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL

CREATE_WHITELINK = web.AppKey("create_whitelink", CreateWhitelink)
USE_WHITELINK = web.AppKey("use_whitelink", UseWhitelink)


async def create(request: web.Request, form: CreateWhitelinkForm) -> web.Response:
    """POST /admin/restrictions/whitelink."""
    token = await request.app[CREATE_WHITELINK](Actor.of(request[PRINCIPAL]), form.lifetime)
    return answer({"whitelink_token": token}, 201)


async def use(request: web.Request, form: UseWhitelinkForm) -> web.Response:
    """POST /whitelinks/use, for identity-svc."""
    added = await request.app[USE_WHITELINK](form.token, form.address)
    return answer(added.shown(), 201)
