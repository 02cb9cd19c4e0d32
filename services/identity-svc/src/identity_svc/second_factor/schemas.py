"""The parameters of the internal operations on second factors."""

import uuid
from dataclasses import dataclass

from marshmallow import fields

from shared.contracts.activities import Client
from shared.declared import declared
from shared.web.client import ClientField
from shared.web.fields import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateForm:
    """POST /users/{uid}/otp."""

    uid: str = declared(fields.String(required=True))
    client: Client = declared(ClientField())


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeForm:
    """POST /users/{uid}/otp/verify and /disable; a blank code counts as a wrong one."""

    uid: str = declared(fields.String(required=True))
    code: str = declared(Code(missing=("otp.invalid",), empty="otp.invalid"))
    client: Client = declared(ClientField())


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableForm:
    """POST /users/{uid}/otp/enable; `sid` is the session that goes on."""

    uid: str = declared(fields.String(required=True))
    code: str = declared(Code(missing=("otp.invalid",), empty="otp.invalid"))
    client: Client = declared(ClientField())
    sid: uuid.UUID | None = declared(fields.UUID(allow_none=True), None)
