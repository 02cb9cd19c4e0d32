"""The operations on phones."""

from aiohttp import web

from resource_svc.phones.models import (
    CHANNEL_TOO,
    CeilingReached,
    CountryNotAllowed,
    InvalidNumber,
    KindNotAllowed,
    NotDelivered,
    NumberTaken,
    PhoneExists,
    TooManyPhones,
    UnknownPhone,
    WrongCode,
)
from resource_svc.phones.schemas import (
    DeletePhoneForm,
    MessageSchema,
    SendCodeForm,
    VerifyPhoneForm,
)
from resource_svc.phones.use_cases import Phones
from resource_svc.users.handlers import found_answer
from shared.contracts.schemas import PhoneSchema, UserWithFullInfoSchema
from shared.web.answers import answer, nothing
from shared.web.operations import NoParameters, operation
from shared.web.principal import PRINCIPAL

PHONES = web.AppKey("phones", Phones)


@operation(answer=PhoneSchema(many=True))
async def index(request: web.Request, _form: NoParameters) -> web.Response:
    """One's phones."""
    phones = await request.app[PHONES].list(request[PRINCIPAL].uid)
    return answer([phone.to_public() for phone in phones])


@operation(
    status=201,
    answer=MessageSchema,
    refuses=(
        CeilingReached,
        CountryNotAllowed,
        InvalidNumber,
        KindNotAllowed,
        NumberTaken,
        PhoneExists,
        TooManyPhones,
        CHANNEL_TOO,
        NotDelivered,
    ),
    statuses=(404,),
    missing_is_400=True,
)
async def create(request: web.Request, form: SendCodeForm) -> web.Response:
    """Add a phone; a code is sent to it."""
    await request.app[PHONES].create(request[PRINCIPAL].uid, form.phone_number, form.channel)
    return _sent(form.channel)


@operation(
    status=204, refuses=(InvalidNumber, UnknownPhone), missing_is_400=True, beyond_barong=True
)
async def delete(request: web.Request, form: DeletePhoneForm) -> web.Response:
    """Remove one's phone.

    The number is free for others. With the last verified phone goes phone:verified.
    """
    await request.app[PHONES].delete(request[PRINCIPAL].uid, form.phone_number)
    return nothing()


@operation(
    status=201,
    answer=MessageSchema,
    refuses=(
        InvalidNumber,
        KindNotAllowed,
        NumberTaken,
        UnknownPhone,
        CHANNEL_TOO,
        NotDelivered,
    ),
    statuses=(429,),
    missing_is_400=True,
)
async def send_code(request: web.Request, form: SendCodeForm) -> web.Response:
    """Send another code."""
    await request.app[PHONES].send_code(request[PRINCIPAL].uid, form.phone_number, form.channel)
    return _sent(form.channel)


@operation(
    status=201,
    answer=UserWithFullInfoSchema,
    refuses=(InvalidNumber, NumberTaken, UnknownPhone, WrongCode),
    missing_is_400=True,
)
async def verify(request: web.Request, form: VerifyPhoneForm) -> web.Response:
    """Verify a phone with the code that was sent."""
    uid = request[PRINCIPAL].uid
    await request.app[PHONES].verify(uid, form.phone_number, form.verification_code)
    return await found_answer(request, uid)


def _sent(channel: str) -> web.Response:
    return answer({"message": f"Code was sent successfully via {channel}"})
