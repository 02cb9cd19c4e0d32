"""Confirmation of e-mail addresses."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import EMAIL_CONFIRMATION
from identity_svc.confirmations.schemas import ConfirmEmailForm, RequestConfirmationForm
from identity_svc.confirmations.use_cases import Confirmations
from shared.contracts.users import full_information
from shared.web.answers import answer, nothing
from shared.web.client import client_of

CONFIRMATIONS = web.AppKey("confirmations", Confirmations)


async def confirm(request: web.Request, form: ConfirmEmailForm) -> web.Response:
    """POST /identity/users/email/confirm_code."""
    confirmations = request.app[CONFIRMATIONS]
    cookie = confirmations.sessions.cookie
    user, opened, attachments = await confirmations.confirm(
        form.token, cookie.all_of(request), client_of(request)
    )
    if opened is None:
        return answer(full_information(user, attachments), status=201)
    return cookie.hand_over(opened, attachments)


async def request_mail(request: web.Request, form: RequestConfirmationForm) -> web.Response:
    """POST /identity/users/email/generate_code."""
    await request.app[CAPTCHAS].verify(EMAIL_CONFIRMATION, form.captcha_response)
    await request.app[CONFIRMATIONS].request(form.email, client_of(request))
    return nothing(201)
