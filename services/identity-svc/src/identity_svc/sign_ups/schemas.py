"""The parameters of a sign-up."""

from dataclasses import dataclass

from identity_svc.captcha.models import CaptchaResponse
from identity_svc.captcha.schemas import CaptchaField
from identity_svc.sign_ups.models import InvalidReferralFormat
from shared.declared import declared
from shared.web.fields import Email, Password, Text


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
