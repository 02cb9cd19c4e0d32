"""What comes in to the operations on users."""

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from shared.contracts.users import User
from shared.declared import declared
from shared.web.fields import INVALID, Text


class _UserField(fields.Field[User]):
    """`User.to_internal()`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> User:
        try:
            return User.of(value)
        except (KeyError, TypeError, ValueError):
            raise ValidationError(INVALID) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDataForm:
    """PUT /users/me."""

    data: str = declared(
        Text(
            missing=("resource.user.missing_data", "resource.user.empty_data"),
            empty="resource.user.empty_data",
            flawed="data.invalid_format",
            maximum=65_536,
            lines=True,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UserForm:
    """A user as identity-svc describes them."""

    user: User = declared(_UserField(required=True))
