"""The operation on profiles."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.profiles.schemas import ChangeProfileForm
from admin_svc.profiles.use_cases import Profiles
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL

PROFILES = web.AppKey("profiles", Profiles)


async def change(request: web.Request, form: ChangeProfileForm) -> web.Response:
    """PUT /admin/profiles."""
    actor = Actor.of(request[PRINCIPAL])
    state = form.state.strip() or None if form.state else None
    return answer(await request.app[PROFILES].update(actor, form.uid, form.written, state))
