"""The operations on users."""

from aiohttp import web

from resource_svc.users.answers import COLLECT_ATTACHMENTS, found_answer, full_answer
from resource_svc.users.change_data import ChangeData
from resource_svc.users.delete_account import DeleteAccount
from resource_svc.users.forms import ChangeDataForm, DeleteAccountForm, UserForm
from resource_svc.users.keep_user import KeepUser
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

KEEP_USER = web.AppKey("keep_user", KeepUser)
CHANGE_DATA = web.AppKey("change_data", ChangeData)
DELETE_ACCOUNT = web.AppKey("delete_account", DeleteAccount)


async def me(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /users/me: the caller with all that he attached to himself."""
    return await found_answer(request, request[PRINCIPAL].uid)


async def change_data(request: web.Request, form: ChangeDataForm) -> web.Response:
    """PUT /users/me: other data, which nobody but front ends reads."""
    user = await request.app[CHANGE_DATA](request[PRINCIPAL].uid, form.data)
    return await full_answer(request, user)


async def delete_account(request: web.Request, form: DeleteAccountForm) -> web.Response:
    """DELETE /users/me: an end to the account, and to all its sessions and keys."""
    await request.app[DELETE_ACCOUNT](
        request[PRINCIPAL].uid, form.password, form.otp_code, client_of(request)
    )
    return nothing()


async def keep(request: web.Request, form: UserForm) -> web.Response:
    """PUT /users/{uid}: a user as identity-svc has just told the caller of them."""
    await request.app[KEEP_USER](form.user)
    return nothing()


async def attachments(request: web.Request, form: UserForm) -> web.Response:
    """PUT /users: what is attached to a user, who is kept as the caller knows him.

    So identity-svc's answers, and whatever its client asks here next, show one and the same user.
    """
    user = await request.app[KEEP_USER](form.user)
    return answer(await request.app[COLLECT_ATTACHMENTS](user.uid))
