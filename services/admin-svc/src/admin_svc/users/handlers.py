"""The operations that change users."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.users.schemas import UpdateRoleForm, UpdateUserForm
from admin_svc.users.use_cases import Users
from shared.contracts.users import User
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL

USERS = web.AppKey("users", Users)


async def put(request: web.Request, form: UpdateUserForm) -> web.Response:
    """PUT /admin/users."""
    return answer((await _updated(request, form)).to_public())


async def update(request: web.Request, form: UpdateUserForm) -> web.Response:
    """POST /admin/users/update."""
    return answer((await _updated(request, form)).to_public(), 201)


async def update_role(request: web.Request, form: UpdateRoleForm) -> web.Response:
    """POST /admin/users/role."""
    actor = Actor.of(request[PRINCIPAL])
    user = await request.app[USERS].change_role(actor, form.uid, form.role)
    return answer(user.to_public(), 201)


async def _updated(request: web.Request, form: UpdateUserForm) -> User:
    actor, users = Actor.of(request[PRINCIPAL]), request.app[USERS]
    if form.state is not None:
        return await users.change_state(actor, form.uid, form.state)
    return await users.set_second_factor(actor, form.uid, on=bool(form.otp))
