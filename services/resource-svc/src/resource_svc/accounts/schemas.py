"""What comes in to the operation on accounts."""

from dataclasses import dataclass

from shared.declared import declared
from shared.web.fields import Code, Password


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAccountForm:
    """DELETE /users/me."""

    password: str = declared(
        Password(
            missing=("resource.user.missing_password", "resource.user.empty_password"),
            empty="resource.user.empty_password",
        )
    )
    otp_code: str | None = declared(Code(empty="resource.user.empty_otp_code"), None)
