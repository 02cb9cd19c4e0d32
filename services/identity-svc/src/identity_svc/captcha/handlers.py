"""GeeTest's registration, which its widget asks for before it shows a captcha."""

from aiohttp import web

from identity_svc.captcha.use_cases import Captchas
from shared.web.answers import answer
from shared.web.routes import NoParameters

CAPTCHAS = web.AppKey("captchas", Captchas)


async def register_geetest(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/users/register_geetest."""
    return answer(await request.app[CAPTCHAS].register_geetest())
