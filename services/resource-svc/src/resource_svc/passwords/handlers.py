"""The operation on passwords."""

from aiohttp import web

from resource_svc.passwords.schemas import ChangePasswordForm
from resource_svc.passwords.use_cases import Passwords
from resource_svc.users.handlers import full_answer
from shared.web.client import client_of
from shared.web.principal import PRINCIPAL

PASSWORDS = web.AppKey("passwords", Passwords)


async def change(request: web.Request, form: ChangePasswordForm) -> web.Response:
    """PUT /users/password: changes the password, and ends all other sessions."""
    caller = request[PRINCIPAL]
    user = await request.app[PASSWORDS].change(caller.uid, caller.sid, form, client_of(request))
    return await full_answer(request, user, 201)
