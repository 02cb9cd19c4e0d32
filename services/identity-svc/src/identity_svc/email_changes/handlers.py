"""The operations on changes of addresses."""

from aiohttp import web

from identity_svc.email_changes.models import EmailNotConfirmed, SameEmail
from identity_svc.email_changes.schemas import RequestChangeForm, TokenForm
from identity_svc.email_changes.use_cases import EmailChanges
from identity_svc.mail_tokens.models import UtilizedToken
from identity_svc.users.models import EmailTaken
from shared.contracts.authentication import StepUpRequired
from shared.web.answers import nothing
from shared.web.client import client_of
from shared.web.operations import operation
from shared.web.principal import PRINCIPAL

EMAIL_CHANGES = web.AppKey("email_changes", EmailChanges)


@operation(
    status=201,
    refuses=(EmailNotConfirmed, EmailTaken, SameEmail, StepUpRequired),
    statuses=(429,),
    beyond_barong=True,
)
async def request_change(request: web.Request, form: RequestChangeForm) -> web.Response:
    """Ask for another e-mail address.

    A mail with a token goes to the new address. Nothing changes before the token is used. Asks for
    a recent verification.
    """
    caller = request[PRINCIPAL]
    await request.app[EMAIL_CHANGES].request(caller.uid, caller.sid, form.email, client_of(request))
    return nothing()


@operation(status=201, refuses=(EmailTaken, UtilizedToken), missing_is_400=True, beyond_barong=True)
async def confirm_change(request: web.Request, form: TokenForm) -> web.Response:
    """Change the e-mail address, with the token that was mailed to the new one.

    Ends all sessions of the user.
    """
    await request.app[EMAIL_CHANGES].confirm(form.token, client_of(request))
    return nothing()


@operation(status=201, refuses=(EmailTaken, UtilizedToken), missing_is_400=True, beyond_barong=True)
async def reverse_change(request: web.Request, form: TokenForm) -> web.Response:
    """Take a change of the e-mail address back, with the token that was mailed to the old one.

    Within 72 hours. Ends all sessions, API keys and linked accounts of the user, and passkeys, a
    second factor and recovery codes that were added since 72 hours before the change was asked for.
    The password no longer works, and has to be reset.
    """
    await request.app[EMAIL_CHANGES].reverse(form.token, client_of(request))
    return nothing()
