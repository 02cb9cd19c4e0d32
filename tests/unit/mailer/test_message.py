"""Mails as they go over the wire."""

from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage

import pytest

from mailer_svc.mail.message import compose
from mailer_svc.mail.models import Content, RecipientRefusedError
from tests.unit.mailer.builders import EVENT_ID, NOW

SENDER = Address("Bärong, Inc.", addr_spec="noreply@barong.io")
CONTENT = Content("Bestätigen", "Grüße\n.\n" + "x" * 2000 + "\n", "<p>Grüße</p>")


def composed(
    recipient: str = "user@example.com", content: Content = CONTENT, sender: Address = SENDER
) -> EmailMessage:
    return compose(content, sender=sender, recipient=recipient, message_id=str(EVENT_ID), now=NOW)


def received(message: EmailMessage) -> EmailMessage:
    """The mail as its recipient reads it."""
    parsed = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def test_headers() -> None:
    mail = received(composed())

    assert mail["Subject"] == "Bestätigen"
    assert mail["From"].addresses == (SENDER,)
    assert mail["To"] == "user@example.com"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == f"<{EVENT_ID}@barong.io>"
    assert mail["Auto-Submitted"] == "auto-generated"


def test_text_and_html_are_alternatives_in_utf_8() -> None:
    mail = received(composed())

    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (text.get_content_type(), text.get_content_charset()) == ("text/plain", "utf-8")
    assert (html.get_content_type(), html.get_content_charset()) == ("text/html", "utf-8")
    assert text.get_content().splitlines() == CONTENT.text.splitlines()
    assert html.get_content().splitlines() == CONTENT.html.splitlines()


def test_the_wire_is_ascii_in_short_lines() -> None:
    wire = composed(content=Content("ä" * 500, "ö" * 5000, "ü" * 5000)).as_bytes()

    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 78
    assert b"\n" not in wire.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "email",
    [
        "a..b@docomo.ne.jp",
        ".a@example.com",
        "o'neil+tag@example.com",
        "x" * 64 + "@" + ".".join(["y" * 60] * 3) + ".com",
    ],
)
def test_odd_addresses_are_written_as_they_are(email: str) -> None:
    assert f"\r\nTo: {email}\r\n".encode() in composed(email).as_bytes()


@pytest.mark.parametrize(
    "email",
    [
        "",
        "user",
        "@example.com",
        "user@",
        "a@b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com\nBcc: b@example.com",
        "a@example.com\x00",
        "a@example.com\u2028b",
        "a@example.com, b@example.com",
        "a@example.com;b@example.com",
        "<a@example.com>",
        "Name <a@example.com>",
        '"a b"@example.com',
        "a@example.com ",
        "a@example.com> SIZE=1",
    ],
)
def test_what_is_no_address_reaches_nobody(email: str) -> None:
    with pytest.raises(RecipientRefusedError) as raised:
        composed(email)

    assert "example.com" not in str(raised.value)


def test_a_long_message_id_is_not_folded() -> None:
    sender = Address("Barong", username="noreply", domain="d" * 60 + ".example.com")

    assert (
        f"\r\nMessage-ID: <{EVENT_ID}@{sender.domain}>\r\n".encode()
        in composed(sender=sender).as_bytes()
    )
