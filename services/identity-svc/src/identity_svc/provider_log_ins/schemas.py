"""The parameters and answers of log-ins by another OpenID provider."""

from dataclasses import dataclass

from marshmallow import fields

from identity_svc.captcha.models import CaptchaResponse
from identity_svc.captcha.schemas import CaptchaField
from identity_svc.openid_providers.models import UnknownProvider
from identity_svc.provider_log_ins.models import (
    MAX_CODE,
    MAX_ISSUER,
    MAX_STATE,
    InvalidProviderLogIn,
    ProviderAnswer,
)
from shared.answer_schemas import AnswerSchema, described
from shared.declared import declared
from shared.web.fields import Boolean, Code, Text

[_INVALID] = InvalidProviderLogIn.codes
[_UNKNOWN] = UnknownProvider.codes


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestProviderForm:
    """POST /identity/sessions/provider/request."""

    provider: str | None = declared(Text(), None)
    captcha_response: CaptchaResponse | None = declared(
        CaptchaField(invalid="identity.session.invalid_captcha_format"), None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderAnswerForm:
    """What the provider gave the browser at the redirect URI, and the provider's name."""

    provider: str | None = declared(Text(), None)
    state: str | None = declared(Text(maximum=MAX_STATE, flawed=_INVALID), None)
    code: str | None = declared(Text(maximum=MAX_CODE, flawed=_INVALID), None)
    iss: str | None = declared(Text(maximum=MAX_ISSUER, flawed=_INVALID), None)
    error: str | None = declared(Text(maximum=MAX_ISSUER, flawed=_INVALID), None)

    @property
    def answer(self) -> ProviderAnswer:
        """The answer; what is absent is blank."""
        return ProviderAnswer(self.state or "", self.code or "", self.iss or "", self.error or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInByProviderForm(ProviderAnswerForm):
    """POST /identity/sessions/provider."""

    otp_code: str | None = declared(Code(), None)
    trust_device: bool | None = declared(Boolean(), None)


class ProviderQuestionSchema(AnswerSchema):
    """Where the browser goes to log in."""

    url = fields.String(metadata=described("The address at the provider."))
