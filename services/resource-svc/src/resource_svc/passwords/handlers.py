"""The operation on passwords."""

from aiohttp import web

from resource_svc.passwords.change_password import ChangePassword
from resource_svc.passwords.forms import ChangePasswordForm
from resource_svc.users.answers import full_answer
from shared.web.client import client_of
from shared.web.principal import PRINCIPAL

CHANGE_PASSWORD = web.AppKey("change_password", ChangePassword)


async def change(request: web.Request, form: ChangePasswordForm) -> web.Response:
    """PUT /users/password: another password, and an end to all other sessions."""
    caller = request[PRINCIPAL]
    user = await request.app[CHANGE_PASSWORD](caller.uid, caller.sid, form, client_of(request))
    return await full_answer(request, user, 201)
