"""The parameters of administrators' changes."""

import uuid
from dataclasses import dataclass

from marshmallow import fields

from shared.contracts.administration import Administrator
from shared.declared import declared
from shared.web.administrators import AdministratorField
from shared.web.fields import Email, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSubjectForm:
    """POST /users/{uid}/subject."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(AdministratorField())


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetSecondFactorForm:
    """DELETE /users/{uid}/otp."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(AdministratorField())


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSessionsForm:
    """DELETE /users/{uid}/sessions; without `sid`, of all of them."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(AdministratorField())
    sid: uuid.UUID | None = declared(fields.UUID(allow_none=True), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStateForm:
    """PUT /users/{uid}/state."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(AdministratorField())
    state: str = declared(Text(missing=("state.inclusion",), empty="state.inclusion"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRoleForm:
    """PUT /users/{uid}/role."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(AdministratorField())
    role: str = declared(Text(missing=("role.doesnt_exist",), empty="role.doesnt_exist"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEmailForm:
    """PUT /users/{uid}/email."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(AdministratorField())
    email: str = declared(
        Email(missing=("email.invalid",), empty="email.invalid", flawed="email.invalid")
    )
