"""The parameters of a log-in."""

from dataclasses import dataclass

from marshmallow import fields, validate

from identity_svc.captcha.models import CaptchaResponse
from identity_svc.captcha.schemas import CaptchaField
from shared.contracts.activities import Client
from shared.declared import declared
from shared.web.client import ClientField
from shared.web.fields import Boolean, Code, Email, Password


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInForm:
    """POST /identity/sessions; a blank e-mail or password counts as a wrong one."""

    email: str | None = declared(Email(missing=("identity.session.missing_email",)))
    password: str | None = declared(Password(missing=("identity.session.missing_password",)))
    otp_code: str | None = declared(Code(), None)
    trust_device: bool | None = declared(Boolean(), None)
    captcha_response: CaptchaResponse | None = declared(
        CaptchaField(invalid="identity.session.invalid_captcha_format"), None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInByPageForm:
    """POST /sessions: the fields of a page, and the client that sent them."""

    client: Client = declared(ClientField())
    email: str = declared(fields.String(load_default="", validate=validate.Length(max=1024)), "")
    password: str = declared(fields.String(load_default="", validate=validate.Length(max=1024)), "")
    otp_code: str = declared(fields.String(load_default="", validate=validate.Length(max=64)), "")
