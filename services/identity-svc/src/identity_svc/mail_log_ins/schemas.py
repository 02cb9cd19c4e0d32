"""The parameters of a log-in by mail."""

from dataclasses import dataclass

from identity_svc.captcha.models import CaptchaResponse
from identity_svc.captcha.schemas import CaptchaField
from identity_svc.mail_log_ins.models import MAX_TOKEN
from shared.declared import declared
from shared.web.fields import Boolean, Code, Email, Text

_NO_EMAIL = "identity.session.missing_email"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMailForm:
    """POST /identity/sessions/mail/request."""

    email: str = declared(Email(missing=(_NO_EMAIL,), empty=_NO_EMAIL))
    captcha_response: CaptchaResponse | None = declared(
        CaptchaField(invalid="identity.session.invalid_captcha_format"), None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInByMailForm:
    """POST /identity/sessions/mail."""

    token: str | None = declared(Text(maximum=MAX_TOKEN, flawed="mail_log_in.invalid"), None)
    code: str | None = declared(Code(maximum=MAX_TOKEN, flawed="mail_log_in.invalid"), None)
    otp_code: str | None = declared(Code(), None)
    trust_device: bool | None = declared(Boolean(), None)
