"""Confirmation of e-mail addresses."""

from aiohttp import web

from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.models import EMAIL_CONFIRMATION
from identity_svc.confirmations.confirm_email import ConfirmEmail
from identity_svc.confirmations.forms import ConfirmEmailForm, RequestConfirmationForm
from identity_svc.confirmations.request_confirmation import RequestConfirmation
from identity_svc.sessions.handlers import SESSION_COOKIE
from shared.contracts.users import full_information
from shared.web.answers import answer, nothing
from shared.web.client import client_of

CONFIRM_EMAIL = web.AppKey("confirm_email", ConfirmEmail)
REQUEST_CONFIRMATION = web.AppKey("request_confirmation", RequestConfirmation)


async def confirm(request: web.Request, form: ConfirmEmailForm) -> web.Response:
    """POST /identity/users/email/confirm_code."""
    session = request.app[SESSION_COOKIE]
    user, opened, attachments = await request.app[CONFIRM_EMAIL](
        form.token, session.all_of(request), client_of(request)
    )
    if opened is None:
        return answer(full_information(user, attachments), status=201)
    return session.hand_over(opened, attachments)


async def request_mail(request: web.Request, form: RequestConfirmationForm) -> web.Response:
    """POST /identity/users/email/generate_code."""
    await request.app[CAPTCHAS].verify(EMAIL_CONFIRMATION, form.captcha_response)
    await request.app[REQUEST_CONFIRMATION](form.email, client_of(request))
    return nothing(201)
