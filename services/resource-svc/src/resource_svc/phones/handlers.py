"""The operations on phones."""

from aiohttp import web

from resource_svc.phones.schemas import DeletePhoneForm, SendCodeForm, VerifyPhoneForm
from resource_svc.phones.use_cases import Phones
from resource_svc.users.handlers import found_answer
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

PHONES = web.AppKey("phones", Phones)


async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /phones: all phones of the caller."""
    phones = await request.app[PHONES].list(request[PRINCIPAL].uid)
    return answer([phone.to_public() for phone in phones])


async def create(request: web.Request, form: SendCodeForm) -> web.Response:
    """POST /phones: adds a phone, and sends a code to it."""
    await request.app[PHONES].create(request[PRINCIPAL].uid, form.phone_number, form.channel)
    return _sent(form.channel)


async def delete(request: web.Request, form: DeletePhoneForm) -> web.Response:
    """DELETE /phones: deletes a phone; everybody may add the number again."""
    await request.app[PHONES].delete(request[PRINCIPAL].uid, form.phone_number)
    return web.Response(status=204)


async def send_code(request: web.Request, form: SendCodeForm) -> web.Response:
    """POST /phones/send_code: sends another code."""
    await request.app[PHONES].send_code(request[PRINCIPAL].uid, form.phone_number, form.channel)
    return _sent(form.channel)


async def verify(request: web.Request, form: VerifyPhoneForm) -> web.Response:
    """POST /phones/verify: the caller with a verified phone, and the level that comes with it."""
    uid = request[PRINCIPAL].uid
    await request.app[PHONES].verify(uid, form.phone_number, form.verification_code)
    return await found_answer(request, uid, 201)


def _sent(channel: str) -> web.Response:
    return answer({"message": f"Code was sent successfully via {channel}"}, 201)
