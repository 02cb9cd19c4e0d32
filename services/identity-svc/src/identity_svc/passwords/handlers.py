"""The strength of passwords, and the internal operations on them."""

from aiohttp import web

from identity_svc.passwords.change_password import ChangePassword
from identity_svc.passwords.forms import (
    ChangePasswordForm,
    ValidatePasswordForm,
    VerifyPasswordForm,
)
from identity_svc.passwords.rules import entropy
from identity_svc.passwords.verify_password import VerifyPassword
from shared.web.answers import answer

VERIFY_PASSWORD = web.AppKey("verify_password", VerifyPassword)
CHANGE_PASSWORD = web.AppKey("change_password", ChangePassword)


async def validate(_request: web.Request, form: ValidatePasswordForm) -> web.Response:
    """POST /identity/password/validate."""
    return answer({"entropy": entropy(form.password or "")}, status=201)


async def verify(request: web.Request, form: VerifyPasswordForm) -> web.Response:
    """POST /users/{uid}/password/verify: the user whose password it is."""
    verified = await request.app[VERIFY_PASSWORD](form.uid, form.password, form.client)
    return answer(verified.user.snapshot())


async def change(request: web.Request, form: ChangePasswordForm) -> web.Response:
    """PUT /users/{uid}/password: the user as he is now."""
    user = await request.app[CHANGE_PASSWORD](
        form.uid,
        form.old_password,
        form.new_password,
        form.confirm_password,
        form.sid,
        form.client,
    )
    return answer(user.snapshot())
