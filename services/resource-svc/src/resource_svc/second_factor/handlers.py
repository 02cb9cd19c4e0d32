"""The operations on the second factor."""

from aiohttp import web

from resource_svc.second_factor.models import AlreadyEnabled, NotEnabled, NothingToVerify, WrongCode
from resource_svc.second_factor.schemas import CodeForm, QRCodeSchema
from resource_svc.second_factor.use_cases import SecondFactor
from resource_svc.users.handlers import full_answer
from shared.contracts.authentication import StepUpRequired
from shared.contracts.refusals import UsedCode
from shared.contracts.schemas import UserWithFullInfoSchema
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

SECOND_FACTOR = web.AppKey("second_factor", SecondFactor)


@operation(status=201, answer=QRCodeSchema, refuses=(AlreadyEnabled, StepUpRequired))
async def generate_qrcode(request: web.Request, _form: NoParameters) -> web.Response:
    """Make a second factor, which is not on yet.

    Asks for a recent verification.
    """
    caller, second_factor = request[PRINCIPAL], request.app[SECOND_FACTOR]
    created = await second_factor.create(caller.uid, caller.sid, client_of(request))
    return answer({"data": created}, headers={"Cache-Control": "no-store"})


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(AlreadyEnabled, StepUpRequired, WrongCode),
    missing_is_400=True,
)
async def enable(request: web.Request, form: CodeForm) -> web.Response:
    """Turn the second factor on, with a code of it.

    Ends all sessions but the one that asks. Asks for a recent verification, unless the factor was
    made in the same session shortly before.
    """
    caller, second_factor = request[PRINCIPAL], request.app[SECOND_FACTOR]
    user = await second_factor.enable(caller.uid, caller.sid, form.code, client_of(request))
    return await full_answer(request, user)


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(NotEnabled, WrongCode, UsedCode),
    missing_is_400=True,
)
async def disable(request: web.Request, form: CodeForm) -> web.Response:
    """Turn the second factor off, with a code of it.

    All API keys become inactive.
    """
    second_factor = request.app[SECOND_FACTOR]
    user = await second_factor.disable(request[PRINCIPAL].uid, form.code, client_of(request))
    return await full_answer(request, user)


@operation(
    status=201, refuses=(NothingToVerify, WrongCode, UsedCode), statuses=(403,), missing_is_400=True
)
async def verify(request: web.Request, form: CodeForm) -> web.Response:
    """Check a code of the second factor."""
    second_factor = request.app[SECOND_FACTOR]
    await second_factor.verify(request[PRINCIPAL].uid, form.code, client_of(request))
    return nothing()
