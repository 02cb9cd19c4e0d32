"""What comes in to the operations on the second factor."""

from dataclasses import dataclass

from shared.declared import declared
from shared.web.fields import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeForm:
    """POST /otp/enable, /otp/disable and /otp/verify."""

    code: str = declared(
        Code(
            missing=("resource.otp.missing_code", "resource.otp.empty_code"),
            empty="resource.otp.empty_code",
        )
    )
