"""The parameters of the operation on access."""

from dataclasses import dataclass

from shared.declared import declared
from shared.web.fields import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class UseWhitelinkForm:
    """POST /identity/users/access."""

    whitelink_token: str = declared(
        Text(
            missing=(
                "identity.user.missing_whitelink_token",
                "identity.user.empty_whitelink_token",
            ),
            empty="identity.user.empty_whitelink_token",
        )
    )
