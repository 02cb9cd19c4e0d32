"""What GeeTest's widget asks before it shows a captcha."""

from aiohttp import web

from identity_svc.captcha.register_geetest import RegisterGeetest
from identity_svc.captcha.verify_captcha import VerifyCaptcha
from shared.web.answers import answer
from shared.web.routes import NoParameters

VERIFY_CAPTCHA = web.AppKey("verify_captcha", VerifyCaptcha)
REGISTER_GEETEST = web.AppKey("register_geetest", RegisterGeetest)


async def register_geetest(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /identity/users/register_geetest."""
    return answer(await request.app[REGISTER_GEETEST]())
