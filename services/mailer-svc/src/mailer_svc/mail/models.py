"""The kinds of mails, what a mail says, and the relay that carries it."""

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mail: its templates' `name`, and the page of the front end that it links to.

    A mail that carries a token has it in the link's query, under `parameter`.
    """

    name: str
    page: str
    parameter: str = ""

    def link(self, domain: str, token: str, language: str) -> str:
        """The URL of the page, with the token and the language.

        A domain without a scheme gets https.
        """
        origin = domain.rstrip("/") if "://" in domain else f"https://{domain.rstrip('/')}"
        parameters = {self.parameter: token} if self.parameter else {}
        query = urlencode({**parameters, "lang": language})
        return f"{origin}{self.page}?{query}"


CONFIRMATION = Kind("confirmation", "/accounts/confirmation", "confirmation_token")
PASSWORD_RESET = Kind("password_reset", "/accounts/password_reset", "reset_token")
CODES_GUESSED = Kind("codes_guessed", "/")

KINDS = (CONFIRMATION, PASSWORD_RESET, CODES_GUESSED)


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says."""

    subject: str
    text: str
    html: str


class RecipientRefusedError(Exception):
    """No mail will ever reach this address."""


class MailRelay(Protocol):
    """Carries mails to other mail servers."""

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """Returns once the relay answers for the mail.

        Raises `Unavailable` while no relay can be reached, `RecipientRefusedError` when no later
        attempt can help, and anything else when a later attempt may help, once its cause is
        mended. None of them contains the recipient's address.
        """
        ...
