"""The operations on the second factor."""

from aiohttp import web

from resource_svc.second_factor.create import CreateSecondFactor
from resource_svc.second_factor.disable import DisableSecondFactor
from resource_svc.second_factor.enable import EnableSecondFactor
from resource_svc.second_factor.forms import CodeForm
from resource_svc.second_factor.verify import VerifyCode
from resource_svc.users.answers import full_answer
from shared.web.answers import answer, nothing
from shared.web.client import client_of
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

CREATE = web.AppKey("create_second_factor", CreateSecondFactor)
ENABLE = web.AppKey("enable_second_factor", EnableSecondFactor)
DISABLE = web.AppKey("disable_second_factor", DisableSecondFactor)
VERIFY = web.AppKey("verify_code", VerifyCode)


async def generate_qrcode(request: web.Request, _form: NoParameters) -> web.Response:
    """POST /otp/generate_qrcode: a new secret, for the only time."""
    made = await request.app[CREATE](request[PRINCIPAL].uid, client_of(request))
    return answer({"data": made}, 201, headers={"Cache-Control": "no-store"})


async def enable(request: web.Request, form: CodeForm) -> web.Response:
    """POST /otp/enable: codes are asked for from now on, and all other sessions end."""
    caller = request[PRINCIPAL]
    user = await request.app[ENABLE](caller.uid, caller.sid, form.code, client_of(request))
    return await full_answer(request, user, 201)


async def disable(request: web.Request, form: CodeForm) -> web.Response:
    """POST /otp/disable: no code is asked for any more."""
    user = await request.app[DISABLE](request[PRINCIPAL].uid, form.code, client_of(request))
    return await full_answer(request, user, 201)


async def verify(request: web.Request, form: CodeForm) -> web.Response:
    """POST /otp/verify: whether a code is right; it is used up."""
    await request.app[VERIFY](request[PRINCIPAL].uid, form.code, client_of(request))
    return nothing(201)
