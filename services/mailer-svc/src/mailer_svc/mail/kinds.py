"""The mails there are, and the page of the front end that each one leads to."""

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Kind:
    """A mail that hands out a token; `name` is that of its templates."""

    name: str
    page: str
    parameter: str

    def link(self, domain: str, token: str, language: str) -> str:
        """The address at which the token is used up, and the language for the front end.

        A domain without a scheme is reached by https.
        """
        origin = domain.rstrip("/") if "://" in domain else f"https://{domain.rstrip('/')}"
        query = urlencode({self.parameter: token, "lang": language})
        return f"{origin}{self.page}?{query}"


CONFIRMATION = Kind("confirmation", "/accounts/confirmation", "confirmation_token")
PASSWORD_RESET = Kind("password_reset", "/accounts/password_reset", "reset_token")

KINDS = (CONFIRMATION, PASSWORD_RESET)
