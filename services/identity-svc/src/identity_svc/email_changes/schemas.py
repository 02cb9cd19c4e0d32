"""The parameters of the operations on changes of addresses."""

from dataclasses import dataclass

from shared.declared import declared
from shared.tokens.bearer import MAX_TOKEN_LENGTH
from shared.web.fields import Email, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestChangeForm:
    """POST /resource/users/email."""

    email: str = declared(
        Email(missing=("email.invalid",), empty="email.invalid", flawed="email.invalid")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenForm:
    """POST /identity/users/email/change and /identity/users/email/reversal."""

    token: str = declared(
        Text(
            missing=("identity.user.missing_token", "identity.user.empty_token"),
            empty="identity.user.empty_token",
            maximum=MAX_TOKEN_LENGTH,
        )
    )
