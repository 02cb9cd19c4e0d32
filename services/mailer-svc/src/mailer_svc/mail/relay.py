"""The seam between mails and whoever carries them."""

from email.message import EmailMessage
from typing import Protocol


class RecipientRefusedError(Exception):
    """No mail will ever reach this address."""


class MailRelay(Protocol):
    """Carries mails to other mail servers."""

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """Returns once the relay answers for the mail.

        Raises `Unavailable` while there is no relay to talk to, `RecipientRefusedError` when no
        later attempt can help, and anything else when one may, once its cause is mended. None of
        them tells the recipient's address.
        """
        ...
