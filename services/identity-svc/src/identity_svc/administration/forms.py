"""The parameters of administrators' changes."""

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from shared.contracts.administration import Administrator
from shared.declared import declared
from shared.web.fields import INVALID, Text


class _Administrator(fields.Field[Administrator]):
    """`Administrator.body()`."""

    def __init__(self) -> None:
        super().__init__(required=True)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Administrator:
        try:
            return Administrator(str(value["uid"]), str(value["role"]))
        except (KeyError, TypeError):
            raise ValidationError(INVALID) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindSubjectForm:
    """POST /users/{uid}/subject."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(_Administrator())


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetSecondFactorForm:
    """DELETE /users/{uid}/otp."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(_Administrator())


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStateForm:
    """PUT /users/{uid}/state."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(_Administrator())
    state: str = declared(Text(missing=("state.inclusion",), empty="state.inclusion"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRoleForm:
    """PUT /users/{uid}/role."""

    uid: str = declared(fields.String(required=True))
    by: Administrator = declared(_Administrator())
    role: str = declared(Text(missing=("role.doesnt_exist",), empty="role.doesnt_exist"))
