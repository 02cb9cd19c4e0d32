"""The internal operations on second factors."""

from aiohttp import web

from identity_svc.second_factor.schemas import CodeForm, CreateForm, EnableForm
from identity_svc.second_factor.use_cases import SecondFactors
from shared.web.answers import answer, nothing

SECOND_FACTORS = web.AppKey("second_factors", SecondFactors)


async def create(request: web.Request, form: CreateForm) -> web.Response:
    """POST /users/{uid}/otp."""
    made = await request.app[SECOND_FACTORS].create(form.uid, form.client)
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
