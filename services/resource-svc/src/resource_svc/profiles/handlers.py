"""The operations on profiles."""

from aiohttp import web

from resource_svc.profiles.models import NoProfile
from resource_svc.profiles.schemas import AdministerProfileForm, ProfileForm
from resource_svc.profiles.use_cases import Profiles
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

PROFILES = web.AppKey("profiles", Profiles)


async def me(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /profiles/me: all profiles of the caller."""
    profiles = await request.app[PROFILES].list(request[PRINCIPAL].uid)
    if not profiles:
        raise NoProfile
    return answer([profile.to_public() for profile in profiles])


async def create(request: web.Request, form: ProfileForm) -> web.Response:
    """POST /profiles: a new profile, a draft unless it is confirmed."""
    uid, confirm = request[PRINCIPAL].uid, bool(form.confirm)
    profile = await request.app[PROFILES].create(uid, form.written, confirm=confirm)
    return answer(profile.to_public(), 201)


async def change(request: web.Request, form: ProfileForm) -> web.Response:
    """PUT /profiles: changes the draft, which may be confirmed."""
    uid, confirm = request[PRINCIPAL].uid, bool(form.confirm)
    profile = await request.app[PROFILES].update(uid, form.written, confirm=confirm)
    return answer(profile.to_public())


async def update_as_admin(request: web.Request, form: AdministerProfileForm) -> web.Response:
    """PUT /subjects/{uid}/profile: corrects or judges a profile, by an administrator."""
    profiles = request.app[PROFILES]
    changed = await profiles.update_as_admin(form.by, form.uid, form.written, form.state)
    return answer(changed.to_internal())
