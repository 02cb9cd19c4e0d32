"""What comes in to the operation on passwords."""

from dataclasses import dataclass

from shared.declared import declared
from shared.web.fields import Password


def _password(name: str) -> Password:
    empty = f"resource.user.empty_{name}"
    return Password(missing=(f"resource.user.missing_{name}", empty), empty=empty)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePasswordForm:
    """PUT /users/password."""

    old_password: str = declared(_password("old_password"))
    new_password: str = declared(_password("new_password"))
    confirm_password: str = declared(_password("confirm_password"))
