"""The operations that change users."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.users.change_role import ChangeRole
from admin_svc.users.change_state import ChangeState
from admin_svc.users.errors import EnableSecondFactor
from admin_svc.users.forms import UpdateRoleForm, UpdateUserForm
from admin_svc.users.reset_second_factor import ResetSecondFactor
from shared.contracts.users import User
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL

CHANGE_ROLE = web.AppKey("change_role", ChangeRole)
CHANGE_STATE = web.AppKey("change_state", ChangeState)
RESET_SECOND_FACTOR = web.AppKey("reset_second_factor", ResetSecondFactor)


async def put(request: web.Request, form: UpdateUserForm) -> web.Response:
    """PUT /admin/users."""
    return answer((await _updated(request, form)).model())


async def update(request: web.Request, form: UpdateUserForm) -> web.Response:
    """POST /admin/users/update."""
    return answer((await _updated(request, form)).model(), 201)


async def update_role(request: web.Request, form: UpdateRoleForm) -> web.Response:
    """POST /admin/users/role."""
    actor = Actor.of(request[PRINCIPAL])
    user = await request.app[CHANGE_ROLE](actor, form.uid, form.role)
    return answer(user.model(), 201)


async def _updated(request: web.Request, form: UpdateUserForm) -> User:
    actor = Actor.of(request[PRINCIPAL])
    if form.state is not None:
        return await request.app[CHANGE_STATE](actor, form.uid, form.state)
    if form.otp:
        raise EnableSecondFactor
    return await request.app[RESET_SECOND_FACTOR](actor, form.uid)
