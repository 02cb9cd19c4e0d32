"""The operations on phones."""

from aiohttp import web

from resource_svc.phones.add_phone import AddPhone
from resource_svc.phones.forms import RemovePhoneForm, SendCodeForm, VerifyPhoneForm
from resource_svc.phones.list_phones import ListPhones
from resource_svc.phones.remove_phone import RemovePhone
from resource_svc.phones.send_code import SendCode
from resource_svc.phones.verify_phone import VerifyPhone
from resource_svc.users.answers import found_answer
from shared.web.answers import answer
from shared.web.principal import PRINCIPAL
from shared.web.routes import NoParameters

ADD_PHONE = web.AppKey("add_phone", AddPhone)
LIST_PHONES = web.AppKey("list_phones", ListPhones)
REMOVE_PHONE = web.AppKey("remove_phone", RemovePhone)
SEND_CODE = web.AppKey("send_code", SendCode)
VERIFY_PHONE = web.AppKey("verify_phone", VerifyPhone)


async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """GET /phones: all phones of the caller."""
    phones = await request.app[LIST_PHONES](request[PRINCIPAL].uid)
    return answer([phone.model() for phone in phones])


async def create(request: web.Request, form: SendCodeForm) -> web.Response:
    """POST /phones: a phone more, and a code to it."""
    await request.app[ADD_PHONE](request[PRINCIPAL].uid, form.phone_number, form.channel)
    return _sent(form.channel)


async def remove(request: web.Request, form: RemovePhoneForm) -> web.Response:
    """DELETE /phones: the number is nobody's again."""
    await request.app[REMOVE_PHONE](request[PRINCIPAL].uid, form.phone_number)
    return web.Response(status=204)


async def send_code(request: web.Request, form: SendCodeForm) -> web.Response:
    """POST /phones/send_code: another code."""
    await request.app[SEND_CODE](request[PRINCIPAL].uid, form.phone_number, form.channel)
    return _sent(form.channel)


async def verify(request: web.Request, form: VerifyPhoneForm) -> web.Response:
    """POST /phones/verify: the caller with a phone that is his, and the level that gives him."""
    uid = request[PRINCIPAL].uid
    await request.app[VERIFY_PHONE](uid, form.phone_number, form.verification_code)
    return await found_answer(request, uid, 201)


def _sent(channel: str) -> web.Response:
    return answer({"message": f"Code was sent successfully via {channel}"}, 201)
