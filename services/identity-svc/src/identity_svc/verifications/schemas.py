"""The parameters of a verification."""

from dataclasses import dataclass

from shared.declared import declared
from shared.web.fields import Code, Password


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyForm:
    """POST /resource/sessions/verify; a blank value counts as an absent one."""

    password: str | None = declared(Password(), None)
    otp_code: str | None = declared(Code(), None)
