"""The mails there are, and the page of the front end that each one leads to."""

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Kind:
    """A mail, which may hand out a token in `parameter`; `name` is that of its templates."""

    name: str
    page: str
    parameter: str = ""

    def link(self, domain: str, token: str, language: str) -> str:
        """The address at which the token is used up, or to which the mail leads without one.

        It tells the front end the language. A domain without a scheme is reached by https.
        """
        origin = domain.rstrip("/") if "://" in domain else f"https://{domain.rstrip('/')}"
        parameters = {self.parameter: token} if self.parameter else {}
        query = urlencode({**parameters, "lang": language})
        return f"{origin}{self.page}?{query}"


CONFIRMATION = Kind("confirmation", "/accounts/confirmation", "confirmation_token")
PASSWORD_RESET = Kind("password_reset", "/accounts/password_reset", "reset_token")
CODES_GUESSED = Kind("codes_guessed", "/")

KINDS = (CONFIRMATION, PASSWORD_RESET, CODES_GUESSED)
