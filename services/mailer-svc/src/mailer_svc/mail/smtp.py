"""A mail relay that speaks SMTP (RFC 5321)."""

import re
from collections.abc import Sequence
from email import policy
from email.message import EmailMessage

import aiosmtplib
import structlog

from mailer_svc.mail.models import RecipientRefusedError
from mailer_svc.settings import Tls
from shared.errors import Unavailable

log = structlog.get_logger()

ANSWER_SECONDS = 10.0
ACCEPTANCE_SECONDS = 60.0  # relays look a mail through before they answer for it

_CLOSING = 421
_UNREACHABLE = frozenset({550, 551, 552, 553, 556})  # RFC 5321, 4.2.3; RFC 7504
_POLICY = "5.7."  # RFC 3463, 3.8: what the relay's operator forbids, not what does not exist
_ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


class NotAcceptedError(Exception):
    """The relay refused this mail; only its codes are shown: its text may name the recipient."""


class UnansweredError(Exception):
    """The relay received a mail and did not answer whether it took it."""


class SmtpRelay:
    """A mail relay; each mail has a connection of its own."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        user: str,
        password: str,
        tls: Tls,
        sender: str,
        answer_seconds: float = ANSWER_SECONDS,
        acceptance_seconds: float = ACCEPTANCE_SECONDS,
    ) -> None:
        self._host = host
        self._port = port
        self._user = user
        self._password = password
        self._tls = tls
        self._sender = sender
        self._answer_seconds = answer_seconds
        self._acceptance_seconds = acceptance_seconds

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """See `MailRelay`.

        Refusals before the recipient is named are raised as aiosmtplib raises them. Where the
        relay may have taken the mail without an answer, it raises `UnansweredError`, not
        `Unavailable`: the mail is sent again a few times only.
        """
        try:
            async with self._client() as client:
                await self._converse(client, message, recipient)
        except aiosmtplib.SMTPResponseException as error:
            if not _passing(error.code):
                raise
            raise _unavailable(error) from None
        except OSError as error:  # timeouts, refused certificates and lost connections among them
            raise _unavailable(error) from None

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._user or None,
            password=self._password or None,
            use_tls=self._tls is Tls.TLS,
            start_tls={Tls.AUTO: None, Tls.STARTTLS: True}.get(self._tls, False),
            # Whoever could forge the certificate could as well hide that STARTTLS is offered.
            validate_certs=self._tls is not Tls.AUTO,
            timeout=self._answer_seconds,
        )

    async def _converse(
        self, client: aiosmtplib.SMTP, message: EmailMessage, recipient: str
    ) -> None:
        international = not (self._sender + recipient).isascii()
        encoding = "utf-8" if international else "ascii"
        options = await _international(client) if international else ()
        await client.mail(self._sender, options=options, encoding=encoding)
        try:
            await client.rcpt(recipient, encoding=encoding)
        except aiosmtplib.SMTPRecipientRefused as error:
            raise _refusal_of_recipient(error) from None
        content = message.as_bytes(policy=policy.SMTPUTF8 if international else policy.SMTP)
        try:
            await client.data(content, timeout=self._acceptance_seconds)
        except aiosmtplib.SMTPDataError as error:
            raise _refusal(error) from None
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError) as error:
            raise UnansweredError(type(error).__name__) from None


async def _international(client: aiosmtplib.SMTP) -> Sequence[str]:
    """The option for addresses that are not ASCII (RFC 6531); without it they cannot be reached."""
    await client.ehlo()
    if not client.supports_extension("smtputf8"):
        raise RecipientRefusedError("SMTPUTF8 is not supported")
    return ("SMTPUTF8",)


def _passing(code: int) -> bool:
    return 400 <= code < 500


def _refusal_of_recipient(error: aiosmtplib.SMTPRecipientRefused) -> Exception:
    codes = _codes(error)
    if error.code in _UNREACHABLE and f" {_POLICY}" not in codes:
        return RecipientRefusedError(codes)
    return _refusal(error)


def _refusal(error: aiosmtplib.SMTPResponseException) -> Exception:
    if error.code == _CLOSING:
        return Unavailable("smtp")
    return NotAcceptedError(_codes(error))


def _codes(error: aiosmtplib.SMTPResponseException) -> str:
    """The reply's code and, where it has one, its enhanced code."""
    enhanced = _ENHANCED_CODE.match(error.message)
    return f"{error.code} {enhanced.group()}" if enhanced else str(error.code)


def _unavailable(error: Exception) -> Unavailable:
    log.warning("relay_unavailable", reason=type(error).__name__, words=str(error))
    return Unavailable("smtp")
