"""The operation on profiles."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.profiles.change_profile import ChangeProfile
from admin_svc.profiles.forms import ChangeProfileForm
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL

CHANGE_PROFILE = web.AppKey("change_profile", ChangeProfile)


async def change(request: web.Request, form: ChangeProfileForm) -> web.Response:
    """PUT /admin/profiles."""
    actor = Actor.of(request[PRINCIPAL])
    state = form.state.strip() or None if form.state else None
    return answer(await request.app[CHANGE_PROFILE](actor, form.uid, form.written, state))
