"""Recovery codes, and the internal operations on second factors."""

from aiohttp import web

from identity_svc.second_factor.models import NothingToRecover
from identity_svc.second_factor.schemas import (
    CodeForm,
    CreateForm,
    EnableForm,
    RecoveryCodesSchema,
    RemainingRecoveryCodesSchema,
    ShowRecoveryCodesOfForm,
    new_codes,
    remaining_codes,
)
from identity_svc.second_factor.use_cases import SecondFactors
from shared.contracts.authentication import StepUpRequired
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

SECOND_FACTORS = web.AppKey("second_factors", SecondFactors)


@operation(
    status=201,
    answer=RecoveryCodesSchema,
    refuses=(NothingToRecover, StepUpRequired),
    beyond_barong=True,
)
async def create_recovery_codes(request: web.Request, _form: NoParameters) -> web.Response:
    """Make recovery codes.

    Ten codes, each of which once replaces a code of the second factor: at the log-in, at a
    verification, and where the factor is turned off. At a verification it replaces a passkey, too.
    Older ones are void. Asks for a recent verification.
    """
    caller = request[PRINCIPAL]
    made = await request.app[SECOND_FACTORS].create_recovery_codes(
        caller.uid, caller.sid, client_of(request)
    )
    return answer(new_codes(made), headers={"Cache-Control": "no-store"})


@operation(answer=RemainingRecoveryCodesSchema, beyond_barong=True)
async def show_recovery_codes(request: web.Request, _form: NoParameters) -> web.Response:
    """How many recovery codes are left."""
    left = await request.app[SECOND_FACTORS].recovery.get_remaining(request[PRINCIPAL].uid)
    return answer(remaining_codes(left))


async def show_recovery_codes_of(
    request: web.Request, form: ShowRecoveryCodesOfForm
) -> web.Response:
    """GET /users/{uid}/recovery_codes: how many are left."""
    left = await request.app[SECOND_FACTORS].recovery.get_remaining(form.uid)
    return answer(remaining_codes(left))


async def create(request: web.Request, form: CreateForm) -> web.Response:
    """POST /users/{uid}/otp."""
    made = await request.app[SECOND_FACTORS].create(form.uid, form.sid, form.client)
    return answer({"secret": made.secret, "url": made.url}, status=201)


async def enable(request: web.Request, form: EnableForm) -> web.Response:
    """POST /users/{uid}/otp/enable: the user as they are now."""
    user = await request.app[SECOND_FACTORS].enable(form.uid, form.code, form.sid, form.client)
    return answer(user.to_internal())


async def verify(request: web.Request, form: CodeForm) -> web.Response:
    """POST /users/{uid}/otp/verify."""
    await request.app[SECOND_FACTORS].verify(form.uid, form.code, form.client)
    return nothing()


async def disable(request: web.Request, form: CodeForm) -> web.Response:
    """POST /users/{uid}/otp/disable: the user as they are now."""
    user = await request.app[SECOND_FACTORS].disable(form.uid, form.code, form.client)
    return answer(user.to_internal())
