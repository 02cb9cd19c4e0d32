"""The parameters of the operations on password resets."""

from dataclasses import dataclass

from identity_svc.captcha.models import CaptchaResponse
from identity_svc.captcha.schemas import CaptchaField
from shared.declared import declared
from shared.tokens.bearer import MAX_TOKEN_LENGTH
from shared.web.fields import Email, Password, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestResetForm:
    """POST /identity/users/password/generate_code."""

    email: str = declared(
        Email(
            missing=("identity.user.missing_email", "identity.user.empty_email"),
            empty="identity.user.empty_email",
        )
    )
    captcha_response: CaptchaResponse | None = declared(CaptchaField(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPasswordForm:
    """POST /identity/users/password/confirm_code."""

    reset_password_token: str = declared(
        Text(
            missing=(
                "identity.user.missing_pass_token",
                "identity.user.empty_reset_password_token",
            ),
            empty="identity.user.empty_reset_password_token",
            maximum=MAX_TOKEN_LENGTH,
        )
    )
    password: str = declared(
        Password(
            missing=("identity.user.missing_password", "identity.user.empty_password"),
            empty="identity.user.empty_password",
            flawed="password.requirements",
        )
    )
    confirm_password: str = declared(
        Password(
            missing=(
                "identity.user.missing_confirm_password",
                "identity.user.empty_confirm_password",
            ),
            empty="identity.user.empty_confirm_password",
        )
    )
