"""The parameters of the operations on sessions."""

import uuid
from dataclasses import dataclass

from marshmallow import fields, validate

from identity_svc.captcha.models import CaptchaResponse
from identity_svc.captcha.schemas import CaptchaField
from shared.declared import declared
from shared.web.client_address import Address
from shared.web.fields import Code, Email, Password
from shared.web.pagination import PageForm


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInForm:
    """POST /identity/sessions; a blank e-mail or password is a wrong one."""

    email: str | None = declared(Email(missing=("identity.session.missing_email",)))
    password: str | None = declared(Password(missing=("identity.session.missing_password",)))
    otp_code: str | None = declared(Code(), None)
    captcha_response: CaptchaResponse | None = declared(
        CaptchaField(invalid="identity.session.invalid_captcha_format"), None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveSessionForm:
    """POST /sessions/resolve: one of key and sid; `address` (with sid) is of who uses it."""

    key: str | None = declared(fields.String(validate=validate.Regexp("[0-9a-f]{64}$")), None)
    sid: uuid.UUID | None = declared(fields.UUID(), None)
    address: Address | None = declared(fields.IP(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueTokenForm:
    """POST /users/{uid}/token."""

    uid: str = declared(fields.String(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSessionForm:
    """DELETE /sessions/{sid}."""

    sid: uuid.UUID = declared(fields.UUID(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeSessionOfForm:
    """DELETE /users/{uid}/sessions/{sid}."""

    uid: str = declared(fields.String(required=True))
    sid: uuid.UUID = declared(fields.UUID(required=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSessionsForm(PageForm):
    """GET /users/{uid}/sessions."""

    uid: str = declared(fields.String(required=True))
