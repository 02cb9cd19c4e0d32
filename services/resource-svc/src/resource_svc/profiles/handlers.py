"""The operations on profiles."""

from aiohttp import web

from resource_svc.profiles.models import NoProfile, ProfileExists, ProfileNotEditable
from resource_svc.profiles.schemas import AdministerProfileForm, ProfileForm
from resource_svc.profiles.use_cases import Profiles
from shared.contracts.refusals import INVALID_PROFILE
from shared.contracts.schemas import ProfileSchema
from shared.web.answers import answer
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

PROFILES = web.AppKey("profiles", Profiles)


@operation(answer=ProfileSchema(many=True), refuses=(NoProfile,))
async def me(request: web.Request, _form: NoParameters) -> web.Response:
    """One's profiles."""
    profiles = await request.app[PROFILES].list(request[PRINCIPAL].uid)
    if not profiles:
        raise NoProfile
    return answer([profile.to_public() for profile in profiles])


@operation(
    status=201, answer=ProfileSchema, refuses=(ProfileExists, INVALID_PROFILE), statuses=(400,)
)
async def create(request: web.Request, form: ProfileForm) -> web.Response:
    """Write a profile; `confirm` submits it."""
    uid, confirm = request[PRINCIPAL].uid, bool(form.confirm)
    profile = await request.app[PROFILES].create(uid, form.written, confirm=confirm)
    return answer(profile.to_public())


@operation(answer=ProfileSchema, refuses=(ProfileNotEditable, INVALID_PROFILE))
async def change(request: web.Request, form: ProfileForm) -> web.Response:
    """Change the drafted profile; `confirm` submits it."""
    uid, confirm = request[PRINCIPAL].uid, bool(form.confirm)
    profile = await request.app[PROFILES].update(uid, form.written, confirm=confirm)
    return answer(profile.to_public())


async def update_as_admin(request: web.Request, form: AdministerProfileForm) -> web.Response:
    """PUT /subjects/{uid}/profile: corrects or judges a profile, by an administrator."""
    profiles = request.app[PROFILES]
    changed = await profiles.update_as_admin(form.by, form.uid, form.written, form.state)
    return answer(changed.to_internal())
