"""The operations on profiles."""

from aiohttp import web

from resource_svc.profiles.administer_profile import AdministerProfile
from resource_svc.profiles.change_profile import ChangeProfile
from resource_svc.profiles.create_profile import CreateProfile
from resource_svc.profiles.errors import NoProfile
from resource_svc.profiles.forms import AdministerProfileForm, ProfileForm
from resource_svc.profiles.list_profiles import ListProfiles
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

ADMINISTER_PROFILE = web.AppKey("administer_profile", AdministerProfile)
CHANGE_PROFILE = web.AppKey("change_profile", ChangeProfile)
CREATE_PROFILE = web.AppKey("create_profile", CreateProfile)
LIST_PROFILES = web.AppKey("list_profiles", ListProfiles)


async def me(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /profiles/me: all profiles of the caller."""
    profiles = await request.app[LIST_PROFILES](request[PRINCIPAL].uid)
    if not profiles:
        raise NoProfile
    return answer([profile.model() for profile in profiles])


async def create(request: web.Request, form: ProfileForm) -> web.Response:
    """POST /profiles: a new profile, a draft unless it is confirmed."""
    uid, confirm = request[PRINCIPAL].uid, bool(form.confirm)
    profile = await request.app[CREATE_PROFILE](uid, form.written, confirm=confirm)
    return answer(profile.model(), 201)


async def change(request: web.Request, form: ProfileForm) -> web.Response:
    """PUT /profiles: another content for the draft, which may be confirmed."""
    uid, confirm = request[PRINCIPAL].uid, bool(form.confirm)
    profile = await request.app[CHANGE_PROFILE](uid, form.written, confirm=confirm)
    return answer(profile.model())


async def administer(request: web.Request, form: AdministerProfileForm) -> web.Response:
    """PUT /users/{uid}/profile: the profile before and after, for an administrator."""
    use_case = request.app[ADMINISTER_PROFILE]
    return answer((await use_case(form.by, form.uid, form.written, form.state)).body())
