"""Password resets."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import PASSWORD_RESET
from identity_svc.password_resets.schemas import RequestResetForm, ResetPasswordForm
from identity_svc.password_resets.use_cases import PasswordResets
from shared.web.answers import nothing
from shared.web.client import client_of

PASSWORD_RESETS = web.AppKey("password_resets", PasswordResets)


async def request_mail(request: web.Request, form: RequestResetForm) -> web.Response:
    """POST /identity/users/password/generate_code."""
    await request.app[CAPTCHAS].verify(PASSWORD_RESET, form.captcha_response)
    await request.app[PASSWORD_RESETS].request(form.email, client_of(request))
    return nothing(201)


async def reset(request: web.Request, form: ResetPasswordForm) -> web.Response:
    """POST /identity/users/password/confirm_code."""
    await request.app[PASSWORD_RESETS].reset(
        form.reset_password_token, form.password, form.confirm_password, client_of(request)
    )
    return nothing(201)
