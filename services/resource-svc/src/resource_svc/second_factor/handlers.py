"""The operations on the second factor."""

from aiohttp import web

from resource_svc.second_factor.schemas import CodeForm
from resource_svc.second_factor.use_cases import SecondFactor
from resource_svc.users.handlers import full_answer
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

SECOND_FACTOR = web.AppKey("second_factor", SecondFactor)


async def generate_qrcode(request: web.Request, _form: NoParameters) -> web.Response:
    """POST /otp/generate_qrcode: a new secret, which is shown only once."""
    second_factor = request.app[SECOND_FACTOR]
    created = await second_factor.create(request[PRINCIPAL].uid, client_of(request))
    return answer({"data": created}, 201, headers={"Cache-Control": "no-store"})


async def enable(request: web.Request, form: CodeForm) -> web.Response:
    """POST /otp/enable: codes are required from now on, and all other sessions end."""
    caller, second_factor = request[PRINCIPAL], request.app[SECOND_FACTOR]
    user = await second_factor.enable(caller.uid, caller.sid, form.code, client_of(request))
    return await full_answer(request, user, 201)


async def disable(request: web.Request, form: CodeForm) -> web.Response:
    """POST /otp/disable: no code is required any more."""
    second_factor = request.app[SECOND_FACTOR]
    user = await second_factor.disable(request[PRINCIPAL].uid, form.code, client_of(request))
    return await full_answer(request, user, 201)


async def verify(request: web.Request, form: CodeForm) -> web.Response:
    """POST /otp/verify: checks a code and uses it up."""
    second_factor = request.app[SECOND_FACTOR]
    await second_factor.verify(request[PRINCIPAL].uid, form.code, client_of(request))
    return nothing(201)
