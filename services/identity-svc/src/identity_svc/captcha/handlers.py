"""GeeTest's registration, which its widget asks for before it shows a captcha."""

from aiohttp import web
from marshmallow import fields

from identity_svc.captcha.models import NoGeetest
from identity_svc.captcha.use_cases import Captchas
from shared.answer_schemas import described
from shared.web.answers import answer
from shared.web.operations import NoParameters, operation

CAPTCHAS = web.AppKey("captchas", Captchas)


@operation(
    answer=fields.Raw(metadata=described("What GeeTest's widget wants, unchanged.", type="object")),
    refuses=(NoGeetest,),
)
async def register_geetest(request: web.Request, _form: NoParameters) -> web.Response:
    """Begin a GeeTest challenge."""
    return answer(await request.app[CAPTCHAS].register_geetest())
