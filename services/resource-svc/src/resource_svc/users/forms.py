"""The parameters of operations on users."""

from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields

from shared.contracts.users import User
from shared.declared import declared
from shared.web.fields import INVALID


class _UserField(fields.Field[User]):
    """`User.snapshot()`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> User:
        try:
            return User.of(value)
        except (KeyError, TypeError, ValueError):
            raise ValidationError(INVALID) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserForm:
    """A user as identity-svc knows him."""

    user: User = declared(_UserField(required=True))
