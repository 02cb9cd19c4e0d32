"""The parameters of the operations on passwords."""

import uuid
from dataclasses import dataclass

from marshmallow import fields

from shared.answer_schemas import AnswerSchema, described
from shared.contracts.activities import Client
from shared.declared import declared
from shared.web.client import ClientField
from shared.web.fields import Password


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidatePasswordForm:
    """POST /identity/password/validate; a blank password counts as a weak one."""

    password: str | None = declared(Password(missing=("identity.general.missing_password",)))


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPasswordForm:
    """POST /users/{uid}/password/verify; a blank password counts as a wrong one."""

    uid: str = declared(fields.String(required=True))
    password: str = declared(Password(missing=("password.wrong",), empty="password.wrong"))
    client: Client = declared(ClientField())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePasswordForm:
    """PUT /users/{uid}/password; `sid` is the session that goes on."""

    uid: str = declared(fields.String(required=True))
    old_password: str = declared(Password(missing=("password.wrong",), empty="password.wrong"))
    new_password: str = declared(
        Password(
            missing=("password.requirements",),
            empty="password.requirements",
            flawed="password.requirements",
        )
    )
    confirm_password: str = declared(Password(missing=("password.doesnt_match",)))
    client: Client = declared(ClientField())
    sid: uuid.UUID | None = declared(fields.UUID(allow_none=True), None)


class EntropySchema(AnswerSchema):
    """How hard a password is to guess."""

    entropy = fields.Float(metadata=described("Bits."))
