"""The operations that change users."""

from aiohttp import web

from admin_svc.audit.models import Actor
from admin_svc.directory.models import UserNotFound
from admin_svc.users.models import (
    EmailNoChange,
    EnableSecondFactor,
    OtpNoChange,
    RoleDoesNotExist,
    RoleNoChange,
    StateNoChange,
)
from admin_svc.users.schemas import UpdateEmailForm, UpdateRoleForm, UpdateUserForm
from admin_svc.users.use_cases import Users
from shared.contracts.refusals import UNFIT_EMAIL, UnknownState
from shared.contracts.schemas import UserSchema
from shared.contracts.users import User
from shared.policy.authority import NOT_ALLOWED
from shared.web.answers import answer
from shared.web.operations import operation
from shared.web.principal import PRINCIPAL

USERS = web.AppKey("users", Users)


@operation(
    answer=UserSchema,
    refuses=(
        *NOT_ALLOWED,
        EnableSecondFactor,
        OtpNoChange,
        StateNoChange,
        UserNotFound,
        UnknownState,
    ),
)
async def put(request: web.Request, form: UpdateUserForm) -> web.Response:
    """Set a user's state, or turn off their second factor."""
    return answer((await _updated(request, form)).to_public())


@operation(
    status=201,
    answer=UserSchema,
    refuses=(
        *NOT_ALLOWED,
        EnableSecondFactor,
        OtpNoChange,
        StateNoChange,
        UserNotFound,
        UnknownState,
    ),
)
async def update(request: web.Request, form: UpdateUserForm) -> web.Response:
    """Set a user's state, or turn off their second factor."""
    return answer((await _updated(request, form)).to_public())


@operation(
    status=201,
    answer=UserSchema,
    refuses=(*NOT_ALLOWED, RoleDoesNotExist, RoleNoChange, UserNotFound),
)
async def update_role(request: web.Request, form: UpdateRoleForm) -> web.Response:
    """Give a user another role."""
    actor = Actor.of(request[PRINCIPAL])
    user = await request.app[USERS].change_role(actor, form.uid, form.role)
    return answer(user.to_public())


@operation(
    answer=UserSchema,
    refuses=(*NOT_ALLOWED, EmailNoChange, UserNotFound, UNFIT_EMAIL),
    beyond_barong=True,
)
async def update_email(request: web.Request, form: UpdateEmailForm) -> web.Response:
    """Give a user another e-mail address.

    Without proof: the administrator vouches for it. Ends all sessions of the user. The old address
    gets a mail, and can take the change back within 72 hours.
    """
    actor = Actor.of(request[PRINCIPAL])
    user = await request.app[USERS].change_email(actor, form.uid, form.email)
    return answer(user.to_public())


async def _updated(request: web.Request, form: UpdateUserForm) -> User:
    actor, users = Actor.of(request[PRINCIPAL]), request.app[USERS]
    if form.state is not None:
        return await users.change_state(actor, form.uid, form.state)
    return await users.set_second_factor(actor, form.uid, on=bool(form.otp))
