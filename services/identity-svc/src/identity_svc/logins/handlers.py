"""Log-in."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import SESSION_CREATE
from identity_svc.logins.schemas import LogInForm
from identity_svc.logins.use_cases import Logins
from shared.web.client import client_of

LOGINS = web.AppKey("logins", Logins)


async def log_in(request: web.Request, form: LogInForm) -> web.Response:
    """POST /identity/sessions."""
    await request.app[CAPTCHAS].verify(SESSION_CREATE, form.captcha_response)
    logins = request.app[LOGINS]
    opened, attachments = await logins.log_in(
        form.email or "", form.password or "", form.otp_code or "", client_of(request)
    )
    return logins.sessions.cookie.hand_over(opened, attachments)
