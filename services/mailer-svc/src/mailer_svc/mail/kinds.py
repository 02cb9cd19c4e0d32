"""The mails there are, and the page of the front end that each one leads to."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Kind:
    """A mail, which may hand out a token in `parameter`; `name` is that of its templates."""

    name: str
    page: str
    parameter: str = ""

    def link(self, domain: str, token: str) -> str:
        """The address at which the token is used up, or to which the mail leads without one."""
        if not self.parameter:
            return f"https://{domain}{self.page}"
        return f"https://{domain}{self.page}?{self.parameter}={quote(token, safe='')}"


CONFIRMATION = Kind("confirmation", "/accounts/confirmation", "confirmation_token")
PASSWORD_RESET = Kind("password_reset", "/accounts/password_reset", "reset_token")
CODES_GUESSED = Kind("codes_guessed", "/")

KINDS = (CONFIRMATION, PASSWORD_RESET, CODES_GUESSED)
