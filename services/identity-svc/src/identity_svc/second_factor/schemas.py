"""The parameters and answers of the operations on second factors."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import fields

from identity_svc.recovery_codes.models import CODES, RecoveryCodes, Remaining
from shared.answer_schemas import AnswerSchema, described
from shared.contracts.activities import Client
from shared.declared import declared
from shared.values.timestamps import seconds
from shared.web.client import ClientField
from shared.web.fields import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateForm:
    """POST /users/{uid}/otp; `sid` is the session in which the user asks."""

    uid: str = declared(fields.String(required=True))
    client: Client = declared(ClientField())
    sid: uuid.UUID | None = declared(fields.UUID(allow_none=True), None)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowRecoveryCodesOfForm:
    """GET /users/{uid}/recovery_codes."""

    uid: str = declared(fields.String(required=True))


class RemainingRecoveryCodesSchema(AnswerSchema):
    """How many recovery codes the caller has."""

    remaining = fields.Integer()
    created_at = fields.DateTime(allow_none=True, metadata=described("When all of them were made."))


class RecoveryCodesSchema(AnswerSchema):
    """New recovery codes; they are shown once."""

    codes = fields.List(fields.String(metadata=described("As `XXXX-XXXX-XXXX-XXXX`.")))
    remaining = fields.Integer()


def new_codes(made: RecoveryCodes) -> Mapping[str, Any]:
    """The answer of POST /resource/otp/recovery_codes."""
    return {"codes": list(made.codes), "remaining": CODES}


def remaining_codes(left: Remaining) -> Mapping[str, Any]:
    """The answer of GET /resource/otp/recovery_codes."""
    return {
        "remaining": left.number,
        "created_at": seconds(left.created_at) if left.created_at else None,
    }
