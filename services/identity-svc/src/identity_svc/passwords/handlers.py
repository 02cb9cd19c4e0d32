"""The strength of passwords, and the internal operations on them."""

from aiohttp import web

from identity_svc.passwords.models import entropy
from identity_svc.passwords.schemas import (
    ChangePasswordForm,
    EntropySchema,
    ValidatePasswordForm,
    VerifyPasswordForm,
)
from identity_svc.passwords.use_cases import Passwords
from shared.web.answers import answer
from shared.web.operations import operation

PASSWORDS = web.AppKey("passwords", Passwords)


@operation(status=201, answer=EntropySchema)
async def validate(_request: web.Request, form: ValidatePasswordForm) -> web.Response:
    """Tell how strong a password is."""
    return answer({"entropy": entropy(form.password or "")})


async def verify(request: web.Request, form: VerifyPasswordForm) -> web.Response:
    """POST /users/{uid}/password/verify: the user whose password it is."""
    verified = await request.app[PASSWORDS].verify(form.uid, form.password, form.client)
    return answer(verified.user.to_internal())


async def change(request: web.Request, form: ChangePasswordForm) -> web.Response:
    """PUT /users/{uid}/password: the user as they are now."""
    user = await request.app[PASSWORDS].change(
        form.uid,
        form.old_password,
        form.new_password,
        form.confirm_password,
        form.sid,
        form.client,
    )
    return answer(user.to_internal())
