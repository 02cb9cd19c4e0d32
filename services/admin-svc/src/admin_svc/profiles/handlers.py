"""The operation on profiles."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.profiles.models import ProfileNotEditable, SuperadminChange
from admin_svc.profiles.schemas import ChangeProfileForm
from admin_svc.profiles.use_cases import Profiles
from shared.contracts.refusals import INVALID_PROFILE
from shared.contracts.schemas import ProfileSchema
from shared.policy.authority import HigherRole, SelfChange
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.principal import PRINCIPAL

PROFILES = web.AppKey("profiles", Profiles)


@operation(
    answer=ProfileSchema,
    refuses=(HigherRole, ProfileNotEditable, SelfChange, SuperadminChange, INVALID_PROFILE),
    missing_is_400=True,
)
async def change(request: web.Request, form: ChangeProfileForm) -> web.Response:
    """Change a user's profile, or judge it."""
    actor = Actor.of(request[PRINCIPAL])
    state = form.state.strip() or None if form.state else None
    return answer(await request.app[PROFILES].update(actor, form.uid, form.written, state))
