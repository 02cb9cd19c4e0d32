"""What comes in to the operations on phones."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from resource_svc.phones.models import CHANNELS, InvalidChannel, InvalidNumber, WrongCode
from shared.answer_schemas import AnswerSchema
from shared.declared import declared
from shared.web.bodies import MAX_BODY_BYTES
from shared.web.fields import Code, Parameter, Text

_DEFAULT_CHANNEL = "sms"


def _number() -> Text:
    empty = "resource.phone.empty_phone_number"
    return Text(
        missing=("resource.phone.missing_phone_number", empty),
        empty=empty,
        flawed=InvalidNumber.codes[0],
        maximum=MAX_BODY_BYTES,  # `PhoneNumber.parse` refuses what is too long for a number
        lines=True,
    )


def _code() -> Code:
    empty = "resource.phone.empty_verification_code"
    return Code(
        missing=("resource.phone.missing_verification_code", empty),
        empty=empty,
        flawed=WrongCode.codes[0],
    )


class _Channel(Parameter):
    """One of the channels; blank is none of them."""

    def __init__(self) -> None:
        super().__init__(invalid=InvalidChannel.codes[0])

    def blank(self, value: str | None) -> str:
        if value is not None:
            raise self.refuse()
        return _DEFAULT_CHANNEL

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if value not in CHANNELS:
            raise self.refuse()
        return str(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(CHANNELS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCodeForm:
    """POST /phones and /phones/send_code."""

    phone_number: str = declared(_number())
    channel: str = declared(_Channel(), _DEFAULT_CHANNEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePhoneForm:
    """DELETE /phones."""

    phone_number: str = declared(_number())


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPhoneForm:
    """POST /phones/verify."""

    phone_number: str = declared(_number())
    verification_code: str = declared(_code())


class MessageSchema(AnswerSchema):
    """What was done."""

    message = fields.String()
