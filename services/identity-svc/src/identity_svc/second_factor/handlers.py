"""The internal operations on second factors."""

from aiohttp import web

from identity_svc.second_factor.create import CreateSecondFactor
from identity_svc.second_factor.disable import DisableSecondFactor
from identity_svc.second_factor.enable import EnableSecondFactor
from identity_svc.second_factor.forms import CodeForm, CreateForm, EnableForm
from identity_svc.second_factor.verify import VerifyCode
from shared.web.answers import answer, nothing

CREATE = web.AppKey("create_second_factor", CreateSecondFactor)
ENABLE = web.AppKey("enable_second_factor", EnableSecondFactor)
VERIFY = web.AppKey("verify_code", VerifyCode)
DISABLE = web.AppKey("disable_second_factor", DisableSecondFactor)


async def create(request: web.Request, form: CreateForm) -> web.Response:
    """POST /users/{uid}/otp."""
    made = await request.app[CREATE](form.uid, form.client)
    return answer({"secret": made.secret, "url": made.url}, status=201)


async def enable(request: web.Request, form: EnableForm) -> web.Response:
    """POST /users/{uid}/otp/enable: the user as he is now."""
    user = await request.app[ENABLE](form.uid, form.code, form.sid, form.client)
    return answer(user.snapshot())


async def verify(request: web.Request, form: CodeForm) -> web.Response:
    """POST /users/{uid}/otp/verify."""
    await request.app[VERIFY](form.uid, form.code, form.client)
    return nothing()


async def disable(request: web.Request, form: CodeForm) -> web.Response:
    """POST /users/{uid}/otp/disable: the user as he is now."""
    user = await request.app[DISABLE].by_owner(form.uid, form.code, form.client)
    return answer(user.snapshot())
