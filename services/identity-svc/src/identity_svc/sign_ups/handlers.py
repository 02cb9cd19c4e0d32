"""Sign-up."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import (
    USER_CREATE,
    CaptchaRequired,
    MandatoryFieldsMissing,
    VerificationFailed,
)
from identity_svc.sign_ups.models import ReferralDoesntExist
from identity_svc.sign_ups.schemas import SignUpForm
from identity_svc.sign_ups.use_cases import SignUps
from identity_svc.users.models import EmailTaken
from shared.contracts.refusals import INVALID_DATA, UNFIT_PASSWORD
from shared.contracts.schemas import UserWithFullInfoSchema
from shared.contracts.users import NO_ATTACHMENTS
from shared.web.client import client_of
from shared.web.operations import operation

SIGN_UPS = web.AppKey("sign_ups", SignUps)


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(
        CaptchaRequired,
        EmailTaken,
        MandatoryFieldsMissing,
        ReferralDoesntExist,
        VerificationFailed,
        UNFIT_PASSWORD,
        INVALID_DATA,
    ),
    missing_is_400=True,
)
async def sign_up(request: web.Request, form: SignUpForm) -> web.Response:
    """Sign up.

    Opens a session; a confirmation goes to the address by mail.
    """
    await request.app[CAPTCHAS].verify(USER_CREATE, form.captcha_response)
    sign_ups = request.app[SIGN_UPS]
    opened = await sign_ups.sign_up(form, client_of(request))
    return sign_ups.sessions.cookie.hand_over(opened, NO_ATTACHMENTS)
