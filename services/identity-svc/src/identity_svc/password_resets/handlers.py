"""Password resets."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import PASSWORD_RESET, CaptchaRequired, VerificationFailed
from identity_svc.mail_tokens.models import UtilizedToken
from identity_svc.password_resets.models import PasswordsDontMatch
from identity_svc.password_resets.schemas import RequestResetForm, ResetPasswordForm
from identity_svc.password_resets.use_cases import PasswordResets
from shared.contracts.refusals import UNFIT_PASSWORD
from shared.web.answers import nothing
from shared.web.client import client_of
from shared.web.operations import operation

PASSWORD_RESETS = web.AppKey("password_resets", PasswordResets)


@operation(
    status=201, refuses=(CaptchaRequired, VerificationFailed), statuses=(404,), missing_is_400=True
)
async def request_mail(request: web.Request, form: RequestResetForm) -> web.Response:
    """Mail a token with which a forgotten password is replaced.

    Answers alike whether or not the address is known.
    """
    await request.app[CAPTCHAS].verify(PASSWORD_RESET, form.captcha_response)
    await request.app[PASSWORD_RESETS].request(form.email, client_of(request))
    return nothing()


@operation(
    status=201,
    refuses=(PasswordsDontMatch, UtilizedToken, UNFIT_PASSWORD),
    statuses=(404,),
    missing_is_400=True,
)
async def reset(request: web.Request, form: ResetPasswordForm) -> web.Response:
    """Replace a forgotten password.

    Ends all sessions of the user.
    """
    await request.app[PASSWORD_RESETS].reset(
        form.reset_password_token, form.password, form.confirm_password, client_of(request)
    )
    return nothing()
