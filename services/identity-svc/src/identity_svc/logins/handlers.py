"""Log-in."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import SESSION_CREATE, CaptchaRequired, VerificationFailed
from identity_svc.logins.models import (
    Banned,
    Deleted,
    InvalidOtp,
    MissingOtp,
    NotActive,
    WrongCredentials,
)
from identity_svc.logins.schemas import LogInForm
from identity_svc.logins.use_cases import Logins
from shared.contracts.refusals import UsedCode
from shared.contracts.schemas import UserWithFullInfoSchema
from shared.web.client import client_of
from shared.web.operations import operation

LOGINS = web.AppKey("logins", Logins)


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(
        Banned,
        CaptchaRequired,
        Deleted,
        InvalidOtp,
        MissingOtp,
        NotActive,
        UsedCode,
        VerificationFailed,
        WrongCredentials,
    ),
    statuses=(404, 429),
    missing_is_400=True,
)
async def log_in(request: web.Request, form: LogInForm) -> web.Response:
    """Log in.

    Sets the session cookie; the header `Authorization` carries a bearer token, for clients that
    keep no cookies.
    """
    await request.app[CAPTCHAS].verify(SESSION_CREATE, form.captcha_response)
    logins = request.app[LOGINS]
    opened, attachments = await logins.log_in(
        form.email or "", form.password or "", form.otp_code or "", client_of(request)
    )
    return logins.sessions.cookie.hand_over(opened, attachments)
