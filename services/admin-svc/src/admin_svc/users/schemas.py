"""The parameters of the operations that change users."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError

from shared.declared import declared
from shared.web.fields import Boolean, Email, Text

_ONE_OF_BOTH = "admin.user.one_of_state_otp"


def uid() -> Text:
    """The user whom the operation changes."""
    empty = "admin.user.empty_uid"
    return Text(missing=("admin.user.missing_uid", empty), empty=empty)


class _Otp(Boolean):
    """Whether the second factor is to be on; given exactly when `state` is not."""

    def __init__(self) -> None:
        super().__init__(empty="admin.user.empty_otp")

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **kwargs: Any) -> Any:
        if ("state" in data) == ("otp" in data):
            raise ValidationError([_ONE_OF_BOTH])
        return super().deserialize(value, attr, data, **kwargs)

    def codes(self) -> Iterator[str]:
        yield from (*super().codes(), _ONE_OF_BOTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateUserForm:
    """PUT /admin/users and POST /admin/users/update."""

    uid: str = declared(uid())
    state: str | None = declared(Text(empty="admin.user.empty_state"), None)
    otp: bool | None = declared(_Otp(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRoleForm:
    """POST /admin/users/role."""

    uid: str = declared(uid())
    role: str = declared(
        Text(
            missing=("admin.user.missing_role", "admin.user.empty_role"),
            empty="admin.user.empty_role",
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateEmailForm:
    """PUT /admin/users/email."""

    uid: str = declared(uid())
    email: str = declared(
        Email(
            missing=("admin.user.missing_email", "admin.user.empty_email"),
            empty="admin.user.empty_email",
            flawed="email.invalid",
        )
    )
