"""The SMTP adapter against real mail servers on this machine."""

from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from structlog.testing import capture_logs

from mailer_svc.mail.message import compose
from mailer_svc.mail.models import Content, RecipientRefusedError
from mailer_svc.mail.smtp import NotAcceptedError, SmtpRelay, UnansweredError
from mailer_svc.settings import Tls
from shared.errors import Unavailable
from tests.support.certificates import certificate
from tests.unit.mailer.builders import EVENT_ID, NOW
from tests.unit.mailer.mail_server import HANG, LOCALHOST, greeting, mail_server, text

SENDER = "noreply@barong.io"
RECIPIENT = "user@example.com"


def a_relay(port: int, **overrides: Any) -> SmtpRelay:
    """An adapter with more patience than a busy machine needs; those that hang need less."""
    arguments: dict[str, Any] = {
        "host": LOCALHOST,
        "port": port,
        "user": "",
        "password": "",
        "tls": Tls.AUTO,
        "sender": SENDER,
        "answer_seconds": 30,
        "acceptance_seconds": 30,
    }
    return SmtpRelay(**arguments | overrides)


def a_mail(recipient: str = RECIPIENT) -> EmailMessage:
    return compose(
        Content("Grüße", ".\n..\nGrüße\n", "<p>Grüße</p>"),
        sender=Address("Barong", addr_spec=SENDER),
        recipient=recipient,
        message_id=str(EVENT_ID),
        now=NOW,
    )


async def test_a_mail_arrives_as_it_was_sent() -> None:
    async with mail_server() as server:
        await a_relay(server.port).send(a_mail(), RECIPIENT)

    [delivery] = server.deliveries
    assert (delivery.sender, delivery.recipients) == (SENDER, (RECIPIENT,))
    assert delivery.message["Subject"] == "Grüße"
    assert text(delivery.message) == ".\n..\nGrüße\n"


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <user@example.com>: no such user",
        "550 user@example.com unknown",
        "552 5.2.2 mailbox full",
        "553 5.1.3 bad syntax",
        "556 5.1.10 example.com takes no mail",
    ],
)
async def test_a_recipient_may_be_refused_for_good(reply: str) -> None:
    async with mail_server({"RCPT": reply}) as server:
        with pytest.raises(RecipientRefusedError) as raised:
            await a_relay(server.port).send(a_mail(), RECIPIENT)

    assert reply.startswith(str(raised.value))
    assert RECIPIENT not in str(raised.value)


@pytest.mark.parametrize(
    ("verb", "reply", "codes"),
    [
        ("RCPT", "450 4.2.0 <user@example.com> greylisted", "450 4.2.0"),
        ("RCPT", "451 user@example.com: later", "451"),
        ("RCPT", "550 5.7.1 relaying denied for user@example.com", "550 5.7.1"),
        ("RCPT", "554 5.7.1 relay access denied", "554 5.7.1"),
        ("RCPT", "530 5.7.0 authentication required", "530 5.7.0"),
        ("DATA", "451 4.3.0 later", "451 4.3.0"),
        ("DATA", "554 5.6.0 user@example.com does not want this", "554 5.6.0"),
    ],
)
async def test_other_refusals_of_one_mail_are_the_events(verb: str, reply: str, codes: str) -> None:
    async with mail_server({verb: reply}) as server:
        with pytest.raises(NotAcceptedError) as raised:
            await a_relay(server.port).send(a_mail(), RECIPIENT)

    assert str(raised.value) == codes
    assert raised.value.__suppress_context__


async def test_a_refused_sender_is_the_operators() -> None:
    async with mail_server({"MAIL": "550 5.7.1 not from here"}) as server:
        with pytest.raises(aiosmtplib.SMTPSenderRefused):
            await a_relay(server.port).send(a_mail(), RECIPIENT)


async def test_a_relay_without_starttls_is_the_operators() -> None:
    async with mail_server() as server:
        with pytest.raises(aiosmtplib.SMTPException, match="STARTTLS"):
            await a_relay(server.port, tls=Tls.STARTTLS).send(a_mail(), RECIPIENT)


async def test_a_refusing_greeting_is_the_operators() -> None:
    async with greeting("554 not you") as port:
        with pytest.raises(aiosmtplib.SMTPConnectResponseError):
            await a_relay(port).send(a_mail(), RECIPIENT)


@pytest.mark.parametrize("words", ["421 busy", "450 later", HANG])
async def test_a_relay_that_greets_nobody_is_waited_for(words: str) -> None:
    async with greeting(words) as port:
        await is_unavailable(a_relay(port, answer_seconds=0.5))


@pytest.mark.parametrize(
    ("verb", "reply"),
    [
        ("MAIL", "451 4.3.0 local error"),
        ("MAIL", "452 4.3.1 no space"),
        ("MAIL", HANG),
        ("RCPT", "421 user@example.com: closing"),
        ("RCPT", HANG),
        ("DATA", "421 closing"),
    ],
)
async def test_a_relay_in_trouble_is_waited_for(verb: str, reply: str) -> None:
    async with mail_server({verb: reply}) as server:
        await is_unavailable(a_relay(server.port, answer_seconds=0.5 if reply == HANG else 30))


async def test_a_relay_that_is_down_is_waited_for() -> None:
    async with mail_server() as server:
        pass

    await is_unavailable(a_relay(server.port))


async def test_an_unknown_host_is_waited_for() -> None:
    await is_unavailable(a_relay(25, host="nowhere.invalid"))


async def test_a_mail_that_may_have_been_taken_is_not_sent_for_ever() -> None:
    async with mail_server({"DATA": HANG}) as server:
        with pytest.raises(UnansweredError):
            await a_relay(server.port, acceptance_seconds=0.5).send(a_mail(), RECIPIENT)


async def test_a_relay_may_take_its_time_to_take_a_mail() -> None:
    async with mail_server(seconds=1.2) as server:
        relay = a_relay(server.port, answer_seconds=1)
        await relay.send(a_mail(), RECIPIENT)

    assert len(server.deliveries) == 1


async def test_login() -> None:
    async with mail_server(password="right") as server:
        await a_relay(server.port, user="barong", password="right").send(a_mail(), RECIPIENT)
        with pytest.raises(aiosmtplib.SMTPAuthenticationError) as raised:
            await a_relay(server.port, user="barong", password="wrong").send(a_mail(), RECIPIENT)

    assert len(server.deliveries) == 1
    assert "wrong" not in str(raised.value)


async def test_tls_with_a_trusted_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    async with mail_server(starttls=context) as server:
        await a_relay(server.port, tls=Tls.STARTTLS).send(a_mail(), RECIPIENT)
    assert [delivery.encrypted for delivery in server.deliveries] == [True]

    async with mail_server(tls=context) as server:
        await a_relay(server.port, tls=Tls.TLS).send(a_mail(), RECIPIENT)
    assert len(server.deliveries) == 1


async def test_tls_with_a_certificate_of_anybody(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path)

    async with mail_server(starttls=context) as server:
        await is_unavailable(a_relay(server.port, tls=Tls.STARTTLS))
        await a_relay(server.port, tls=Tls.AUTO).send(a_mail(), RECIPIENT)
        await a_relay(server.port, tls=Tls.NONE).send(a_mail(), RECIPIENT)
    assert [delivery.encrypted for delivery in server.deliveries] == [True, False]

    async with mail_server(tls=context) as server:
        await is_unavailable(a_relay(server.port, tls=Tls.TLS))
    assert server.deliveries == []


async def test_addresses_that_are_not_ascii() -> None:
    recipient = "jürgen@müller.example"

    async with mail_server(utf8=True) as server:
        await a_relay(server.port).send(a_mail(recipient), recipient)
    assert server.deliveries[0].recipients == (recipient,)
    assert server.deliveries[0].message["To"] == recipient

    async with mail_server() as server:
        with pytest.raises(RecipientRefusedError, match="SMTPUTF8"):
            await a_relay(server.port).send(a_mail(recipient), recipient)


async def is_unavailable(relay: SmtpRelay) -> None:
    """That a mail waits for the relay, which the log tells without naming who waits."""
    with capture_logs() as logs, pytest.raises(Unavailable) as raised:
        await relay.send(a_mail(), RECIPIENT)
    assert raised.value.dependency == "smtp"
    assert RECIPIENT not in str(logs)
