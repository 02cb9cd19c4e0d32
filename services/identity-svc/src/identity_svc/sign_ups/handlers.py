"""Sign-up."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import USER_CREATE
from identity_svc.sign_ups.schemas import SignUpForm
from identity_svc.sign_ups.use_cases import SignUps
from shared.contracts.users import NO_ATTACHMENTS
from shared.web.client import client_of

SIGN_UPS = web.AppKey("sign_ups", SignUps)


async def sign_up(request: web.Request, form: SignUpForm) -> web.Response:
    """POST /identity/users."""
    await request.app[CAPTCHAS].verify(USER_CREATE, form.captcha_response)
    sign_ups = request.app[SIGN_UPS]
    opened = await sign_ups.sign_up(form, client_of(request))
    return sign_ups.sessions.cookie.hand_over(opened, NO_ATTACHMENTS)
