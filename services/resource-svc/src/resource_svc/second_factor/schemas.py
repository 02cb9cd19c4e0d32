"""What comes in to the operations on the second factor."""

from dataclasses import dataclass

from marshmallow import fields

from shared.answer_schemas import AnswerSchema
from shared.declared import declared
from shared.web.fields import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeForm:
    """POST /otp/enable, /otp/disable and /otp/verify."""

    code: str = declared(
        Code(
            missing=("resource.otp.missing_code", "resource.otp.empty_code"),
            empty="resource.otp.empty_code",
        )
    )


class _SecretSchema(AnswerSchema):
    """The same secret twice."""

    barcode = fields.String(metadata={"contentEncoding": "base64", "contentMediaType": "image/png"})
    url = fields.String(metadata={"format": "uri"})


class QRCodeSchema(AnswerSchema):
    """A new second factor, to be scanned."""

    data = fields.Nested(_SecretSchema)
