"""The parameters of the operations on confirmations."""

from dataclasses import dataclass

from identity_svc.captcha.models import CaptchaResponse
from identity_svc.captcha.schemas import CaptchaField
from shared.declared import declared
from shared.tokens.bearer import MAX_TOKEN_LENGTH
from shared.web.fields import Email, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmEmailForm:
    """POST /identity/users/email/confirm_code."""

    token: str = declared(
        Text(
            missing=("identity.user.missing_token", "identity.user.empty_token"),
            empty="identity.user.empty_token",
            maximum=MAX_TOKEN_LENGTH,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestConfirmationForm:
    """POST /identity/users/email/generate_code."""

    email: str = declared(
        Email(
            missing=("identity.user.missing_email", "identity.user.empty_email"),
            empty="identity.user.empty_email",
        )
    )
    captcha_response: CaptchaResponse | None = declared(CaptchaField(), None)
