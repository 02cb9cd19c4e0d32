"""A mail server that delivers into a folder, and reports each mail."""

import contextlib
import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, quote, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local import ports

_LINK = re.compile(r"https?://[^\s\"'<>]+")
_TOKENS = (
    *("confirmation_token", "reset_token"),
    *("email_change_token", "email_reversal_token", "log_in_token"),
)


@contextlib.contextmanager
def server(
    directory: Path, port: int | None = None, *, report: Callable[[str], None] = print
) -> Iterator[int]:
    """Take mail on 127.0.0.1 while the context lasts, and give the port.

    Each recipient's latest mail is written to `directory`/<recipient>.eml, the token of the link
    in it to <recipient>.token, and a line about it goes to `report`.
    """
    # For the owner's eyes only: the tokens in it open accounts.
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    chosen = port or ports.free_ports(1)[0]
    controller = Controller(
        _Delivery(directory, report), hostname=ports.LOOPBACK, port=chosen, enable_SMTPUTF8=True
    )
    controller.start()
    try:
        yield chosen
    finally:
        controller.stop()


class _Delivery:
    """What aiosmtpd calls for each mail."""

    def __init__(self, directory: Path, report: Callable[[str], None]) -> None:
        self._directory = directory
        self._report = report

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = cast(bytes, envelope.content)
        message = message_from_bytes(content, policy=policy.default)
        link, token = _link(message)
        for recipient in envelope.rcpt_tos:
            file = self._directory / quote(recipient, safe="@")
            _replace(file, ".eml", content)
            if token:
                _replace(file, ".token", token.encode())
            self._report(f"mail to {recipient}: {message['subject']} {link}".rstrip())
        return "250 delivered"


def _link(message: EmailMessage) -> tuple[str, str]:
    """Return the link of a mail, first of all one with a token, and that token."""
    body = message.get_body(("plain", "html"))
    if body is None:
        return "", ""
    text = body.get_content()
    if body.get_content_subtype() == "html":
        text = unescape(text)
    links = _LINK.findall(text)
    for link in links:
        query = parse_qs(urlsplit(link).query)
        for name in _TOKENS:
            if name in query:
                return link, query[name][0]
    return next(iter(links), ""), ""


def _replace(file: Path, suffix: str, content: bytes) -> None:
    # Renamed into place, because tests look for the file while it is being written.
    unfinished = file.with_name(f"{file.name}{suffix}.new")
    unfinished.write_bytes(content)
    unfinished.replace(file.with_name(file.name + suffix))
