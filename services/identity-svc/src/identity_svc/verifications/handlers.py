"""The verification of a session's user."""

from aiohttp import web

from identity_svc.passkeys.models import ANSWER_FAULTS
from identity_svc.passkeys.schemas import OptionsSchema, UseForm
from identity_svc.sessions.models import NoSession
from identity_svc.sessions.schemas import AuthenticationSchema, authentication
from identity_svc.verifications.models import (
    InvalidOtp,
    InvalidPassword,
    MissingOtp,
    NothingShown,
)
from identity_svc.verifications.schemas import VerifyForm
from identity_svc.verifications.use_cases import Verifications
from shared.contracts.refusals import UsedCode
from shared.web.answers import answer
from shared.web.client import client_of
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

VERIFICATIONS = web.AppKey("verifications", Verifications)


@operation(
    status=201,
    answer=AuthenticationSchema,
    refuses=(InvalidOtp, InvalidPassword, MissingOtp, NoSession, NothingShown, UsedCode),
    statuses=(429,),
    beyond_barong=True,
)
async def verify(request: web.Request, form: VerifyForm) -> web.Response:
    """Prove one's identity once more.

    With the password, and with a code if the second factor is on. If it is on, a code alone is
    enough, too. A recovery code counts as a code, also in place of a passkey. After 401
    `authz.insufficient_user_authentication`, the call can be repeated.
    """
    caller = request[PRINCIPAL]
    shown = await request.app[VERIFICATIONS].verify(
        caller.uid, caller.sid, form.password or "", form.otp_code or "", client_of(request)
    )
    return answer(authentication(shown))


@operation(status=201, answer=OptionsSchema, refuses=(NoSession,), beyond_barong=True)
async def passkey_options(request: web.Request, _form: NoParameters) -> web.Response:
    """Begin to prove one's identity once more, with a passkey.

    The answer is for `navigator.credentials.get()`.
    """
    caller = request[PRINCIPAL]
    passkeys = request.app[VERIFICATIONS].passkeys
    asked = await passkeys.ask_for_verification(caller.uid, caller.sid)
    return answer({"publicKey": asked}, headers={"Cache-Control": "no-store"})


@operation(
    status=201,
    answer=AuthenticationSchema,
    refuses=(*ANSWER_FAULTS, NoSession),
    beyond_barong=True,
)
async def verify_by_passkey(request: web.Request, form: UseForm) -> web.Response:
    """Prove one's identity once more, with a passkey.

    `credential` is what `navigator.credentials.get()` gave, as `toJSON()` writes it.
    """
    caller = request[PRINCIPAL]
    shown = await request.app[VERIFICATIONS].verify_by_passkey(
        caller.uid, caller.sid, form.credential, client_of(request)
    )
    return answer(authentication(shown))
