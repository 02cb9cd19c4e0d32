"""The parameters of the operations on accounts."""

from dataclasses import dataclass

from marshmallow import fields

from shared.declared import declared
from shared.web.fields import Integer, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeDataForm:
    """PUT /users/{uid}/data."""

    uid: str = declared(fields.String(required=True))
    data: str = declared(
        Text(
            missing=("data.invalid_format",),
            empty="data.invalid_format",
            maximum=65_536,
            lines=True,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetUserForm:
    """GET /users/{uid}."""

    uid: str = declared(fields.String(required=True))


USUAL_USERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsersForm:
    """GET /users."""

    after: str = declared(fields.String(), "")
    limit: int | None = declared(Integer(minimum=1, maximum=1000), USUAL_USERS)
