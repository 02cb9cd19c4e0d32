"""From an event to a mail, and what is made of those that do not arrive."""

from email.headerregistry import Address
from typing import Any

import aiosmtplib
import pytest
from prometheus_client import Counter
from structlog.testing import capture_logs

from mailer_svc.mail.rendering import load_templates
from mailer_svc.mail.smtp import NotAcceptedError, SmtpRelay
from mailer_svc.mail.use_cases import Mails
from mailer_svc.settings import Tls
from mailer_svc.subscriptions import reactions
from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import MAILER
from shared.errors import Unavailable
from shared.web.metrics import Registry
from tests.unit.mailer.builders import (
    CONFIRMATION,
    EVENT_ID,
    NOW,
    PASSWORD_RESET,
    an_event,
    language,
)
from tests.unit.mailer.mail_server import LOCALHOST, mail_server, text


class Mailer:
    """The reactions of mailer-svc, with a relay at a port of this machine."""

    def __init__(self, port: int) -> None:
        self._registry = Registry()
        self.reactions = reactions(
            Mails(
                templates=load_templates("", "en"),
                relay=SmtpRelay(
                    host=LOCALHOST,
                    port=port,
                    user="",
                    password="",
                    tls=Tls.NONE,
                    sender="noreply@barong.io",
                ),
                sender=Address("Barong", addr_spec="noreply@barong.io"),
                app_name="Barong",
                mails=Counter("mails", "Mails.", ("mail", "outcome"), registry=self._registry),
                now=lambda: NOW,
            )
        )

    async def react(self, event: ReceivedEvent) -> None:
        await self.reactions[event.name](event)

    def counted(self, mail: str, outcome: str) -> float | None:
        return self._registry.get_sample_value("mails_total", {"mail": mail, "outcome": outcome})


def test_there_is_a_reaction_to_each_event() -> None:
    assert set(Mailer(1).reactions) == set(MAILER.events)


@pytest.mark.parametrize(
    ("name", "data", "mail", "subject", "link"),
    [
        (
            CONFIRMATION,
            None,
            "confirmation",
            "Confirm your e-mail address at Barong",
            "https://openware.com/accounts/confirmation"
            "?confirmation_token=eyJ.pay%2Bload%2F.sig%3D&lang=en",
        ),
        (
            PASSWORD_RESET,
            language("de"),
            "password_reset",
            "Setzen Sie Ihr Passwort bei Barong zurück",
            "https://openware.com/accounts/password_reset"
            "?reset_token=eyJ.pay%2Bload%2F.sig%3D&lang=de",
        ),
    ],
)
async def test_an_event_becomes_a_mail(
    name: str, data: Any, mail: str, subject: str, link: str
) -> None:
    async with mail_server() as server:
        mailer = Mailer(server.port)
        with capture_logs() as logs:
            await mailer.react(an_event(name, data=data))

    [delivery] = server.deliveries
    assert delivery.recipients == ("user@example.com",)
    assert delivery.message["To"] == "user@example.com"
    assert delivery.message["Subject"] == subject
    assert f"\n{link}\n" in text(delivery.message)
    assert mailer.counted(mail, "sent") == 1
    [line] = [entry for entry in logs if entry["event"] == "mail_sent"]
    assert line["uid"] == "IDCC5E69B13D"
    assert "user@example.com" not in str(logs)
    assert "eyJ" not in str(logs)


async def test_the_same_event_has_the_same_message_id() -> None:
    async with mail_server() as server:
        mailer = Mailer(server.port)
        await mailer.react(an_event())
        await mailer.react(an_event())

    assert [delivery.message["Message-ID"] for delivery in server.deliveries] == [
        f"<{EVENT_ID}@barong.io>"
    ] * 2


async def test_hostile_values_stay_where_they_belong() -> None:
    async with mail_server() as server:
        await Mailer(server.port).react(
            an_event(
                token='"><script>alert(1)</script>\r\nBcc: b@example.com',
                data='{"language": "../../etc\\r\\nBcc: b@example.com"}',
            )
        )

    [delivery] = server.deliveries
    html = delivery.message.get_body(("html",))
    assert html is not None
    assert "<script>" not in html.get_content()
    assert delivery.message["Bcc"] is None
    assert delivery.recipients == ("user@example.com",)


@pytest.mark.parametrize("email", ["a@example.com\r\nBcc: b@example.com", "nobody", ""])
async def test_what_is_no_address_is_done_with(email: str) -> None:
    async with mail_server() as server:
        mailer = Mailer(server.port)
        await mailer.react(an_event(email=email))

    assert server.deliveries == []
    assert mailer.counted("confirmation", "refused") == 1


async def test_a_recipient_refused_for_good_is_done_with() -> None:
    async with mail_server({"RCPT": "550 5.1.1 <user@example.com>: unknown"}) as server:
        mailer = Mailer(server.port)
        with capture_logs() as logs:
            await mailer.react(an_event())

    assert mailer.counted("confirmation", "refused") == 1
    [line] = [entry for entry in logs if entry["event"] == "recipient_refused"]
    assert line["uid"] == "IDCC5E69B13D"
    assert line["reason"] == "550 5.1.1"
    assert "user@example.com" not in str(logs)


@pytest.mark.parametrize(
    ("replies", "error", "outcome"),
    [
        ({"MAIL": "550 not from here"}, aiosmtplib.SMTPSenderRefused, "failed"),
        ({"RCPT": "451 later"}, NotAcceptedError, "failed"),
        ({"MAIL": "421 busy"}, Unavailable, "waiting"),
    ],
)
async def test_what_can_be_mended_is_raised(
    replies: dict[str, str], error: type[Exception], outcome: str
) -> None:
    async with mail_server(replies) as server:
        mailer = Mailer(server.port)
        with pytest.raises(error):
            await mailer.react(an_event())

    assert mailer.counted("confirmation", outcome) == 1
