"""The parameters of the operations on accounts."""

from dataclasses import dataclass

from marshmallow import fields

from identity_svc.captcha.models import CaptchaResponse
from identity_svc.captcha.schemas import CaptchaField
from identity_svc.users.errors import InvalidReferralFormat
from shared.declared import declared
from shared.web.fields import Email, Integer, Password, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpForm:
    """POST /identity/users."""

    email: str = declared(
        Email(
            missing=("identity.user.missing_email", "identity.user.empty_email"),
            empty="identity.user.empty_email",
            flawed="email.invalid",
        )
    )
    password: str = declared(
        Password(
            missing=("identity.user.missing_password", "identity.user.empty_password"),
            empty="identity.user.empty_password",
            flawed="password.requirements",
        )
    )
    refid: str | None = declared(Text(flawed=InvalidReferralFormat.codes[0]), None)
    captcha_response: CaptchaResponse | None = declared(CaptchaField(), None)
    data: str | None = declared(
        Text(flawed="data.invalid_format", maximum=65_536, lines=True), None
    )


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
class FindUserForm:
    """GET /users/{uid}."""

    uid: str = declared(fields.String(required=True))


USUAL_USERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ListUsersForm:
    """GET /users."""

    after: str = declared(fields.String(), "")
    limit: int | None = declared(Integer(minimum=1, maximum=1000), USUAL_USERS)
