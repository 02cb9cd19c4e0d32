"""Password resets."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import PASSWORD_RESET
from identity_svc.password_resets.forms import RequestResetForm, ResetPasswordForm
from identity_svc.password_resets.request_reset import RequestReset
from identity_svc.password_resets.reset_password import ResetPassword
from shared.web.answers import nothing
from shared.web.client import client_of

REQUEST_RESET = web.AppKey("request_reset", RequestReset)
RESET_PASSWORD = web.AppKey("reset_password", ResetPassword)


async def request_mail(request: web.Request, form: RequestResetForm) -> web.Response:
    """POST /identity/users/password/generate_code."""
    await request.app[CAPTCHAS].verify(PASSWORD_RESET, form.captcha_response)
    await request.app[REQUEST_RESET](form.email, client_of(request))
    return nothing(201)


async def reset(request: web.Request, form: ResetPasswordForm) -> web.Response:
    """POST /identity/users/password/confirm_code."""
    await request.app[RESET_PASSWORD](
        form.reset_password_token, form.password, form.confirm_password, client_of(request)
    )
    return nothing(201)
