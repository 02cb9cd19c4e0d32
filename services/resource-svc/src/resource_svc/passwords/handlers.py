"""The operation on passwords."""

from aiohttp import web

from resource_svc.passwords.models import PasswordsDiffer, SamePassword, WrongPassword
from resource_svc.passwords.schemas import ChangePasswordForm
from resource_svc.passwords.use_cases import Passwords
from resource_svc.users.handlers import full_answer
from shared.contracts.refusals import UNFIT_PASSWORD
from shared.contracts.schemas import UserWithFullInfoSchema
from shared.web.client import client_of
from shared.web.operations import operation
from shared.web.principal import PRINCIPAL

PASSWORDS = web.AppKey("passwords", Passwords)


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(PasswordsDiffer, SamePassword, WrongPassword, UNFIT_PASSWORD),
    statuses=(404,),
    missing_is_400=True,
)
async def change(request: web.Request, form: ChangePasswordForm) -> web.Response:
    """Change one's password.

    Ends all sessions but the one that asks.
    """
    caller = request[PRINCIPAL]
    user = await request.app[PASSWORDS].change(caller.uid, caller.sid, form, client_of(request))
    return await full_answer(request, user)
