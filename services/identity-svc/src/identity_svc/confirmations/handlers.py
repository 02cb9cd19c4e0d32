"""Confirmation of e-mail addresses."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import EMAIL_CONFIRMATION, CaptchaRequired, VerificationFailed
from identity_svc.confirmations.models import ActiveOrDoesntExist
from identity_svc.confirmations.schemas import ConfirmEmailForm, RequestConfirmationForm
from identity_svc.confirmations.use_cases import Confirmations
from identity_svc.mail_tokens.models import UtilizedToken
from shared.contracts.schemas import UserWithFullInfoSchema
from shared.contracts.users import full_information
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.operations import operation

CONFIRMATIONS = web.AppKey("confirmations", Confirmations)


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(ActiveOrDoesntExist, UtilizedToken),
    missing_is_400=True,
)
async def confirm(request: web.Request, form: ConfirmEmailForm) -> web.Response:
    """Confirm an address with the token that was mailed.

    Opens a session.
    """
    confirmations = request.app[CONFIRMATIONS]
    cookie = confirmations.sessions.cookie
    user, opened, attachments = await confirmations.confirm(
        form.token, cookie.all_of(request), client_of(request)
    )
    if opened is None:
        return answer(full_information(user, attachments))
    return cookie.hand_over(opened, attachments)


@operation(
    status=201, refuses=(CaptchaRequired, VerificationFailed), statuses=(401,), missing_is_400=True
)
async def request_mail(request: web.Request, form: RequestConfirmationForm) -> web.Response:
    """Mail another confirmation.

    Answers alike whether or not the address is known.
    """
    await request.app[CAPTCHAS].verify(EMAIL_CONFIRMATION, form.captcha_response)
    await request.app[CONFIRMATIONS].request(form.email, client_of(request))
    return nothing()
