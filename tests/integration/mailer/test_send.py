"""From an event to a mail, and what is made of those that do not arrive."""

import uuid
from typing import Any

import aiosmtplib
import pytest
from structlog.testing import capture_logs

from mailer_svc.mail.smtp import NotAcceptedError
from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import MAILER
from shared.errors import Unavailable
from tests.integration.mailer.mailer import mailer_at
from tests.support.database import TestDatabase
from tests.unit.mailer.builders import CONFIRMATION, PASSWORD_RESET, an_event, language
from tests.unit.mailer.mail_server import mail_server, text


def an_own_event(name: str = CONFIRMATION, **parts: Any) -> ReceivedEvent:
    """An event with an id and a user of its own."""
    own = {"event_id": uuid.uuid4(), "uid": f"ID{uuid.uuid4().hex[:10].upper()}"}
    return an_event(name, **{**own, **parts})


@pytest.fixture(scope="module")
def dsn(mailer_database: TestDatabase) -> str:
    return mailer_database.dsns["mailer"]


async def test_there_is_a_reaction_to_each_event(dsn: str) -> None:
    async with mailer_at(dsn, 1) as mailer:
        assert set(mailer.reactions) == set(MAILER.events)


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
    dsn: str, name: str, data: Any, mail: str, subject: str, link: str
) -> None:
    event = an_own_event(name, data=data)
    async with mail_server() as server, mailer_at(dsn, server.port) as mailer:
        with capture_logs() as logs:
            await mailer.react(event)

    [delivery] = server.deliveries
    assert delivery.recipients == ("user@example.com",)
    assert delivery.message["To"] == "user@example.com"
    assert delivery.message["Subject"] == subject
    assert delivery.message["Message-ID"] == f"<{event.id}.{mail}@barong.io>"
    assert f"\n{link}\n" in text(delivery.message)
    assert mailer.counted(mail, "sent") == 1
    [line] = [entry for entry in logs if entry["event"] == "mail_sent"]
    assert line["uid"] == event.record["user"]["uid"]
    assert "user@example.com" not in str(logs)
    assert "eyJ" not in str(logs)


LABEL = {"id": 1, "key": "profile", "value": "rejected", "scope": "private"}
LOG_IN = {"user_ip": "192.0.2.7", "user_agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"}


@pytest.mark.parametrize(
    ("name", "record", "changes", "mails"),
    [
        ("system.session.create", {**LOG_IN, "new_device": True}, {}, ["new_log_in"]),
        ("system.session.create", {**LOG_IN, "new_network": True}, {}, ["new_log_in"]),
        ("system.session.create", {**LOG_IN, "new_device": False, "new_network": False}, {}, []),
        ("system.session.create", LOG_IN, {}, []),
        ("system.session.create", {**LOG_IN, "new_device": 1}, {}, []),
        ("system.user.password.change", {"domain": "x.org"}, {}, ["password_changed"]),
        ("system.user.password.reset", {"domain": "x.org"}, {}, ["password_changed"]),
        ("model.user.updated", {"otp": True}, {"otp": False}, ["second_factor_on"]),
        ("model.user.updated", {"otp": False}, {"otp": True}, ["second_factor_off"]),
        ("model.user.updated", {"otp": True}, {"level": 1}, []),
        ("model.user.created", {"otp": False}, {}, []),
        ("system.user.account.deleted", {"x": 1}, {}, ["account_deleted"]),
        ("system.document.verified", {"description": None}, {}, ["document_verified"]),
        ("system.document.rejected", {"description": "Blurred"}, {}, ["document_rejected"]),
        ("model.label.created", LABEL, {}, ["profile_rejected"]),
        ("model.label.updated", {**LABEL, "value": "verified"}, {}, ["profile_verified"]),
        ("model.label.created", {**LABEL, "scope": "public"}, {}, []),
        ("model.label.deleted", LABEL, {}, []),
        (
            "model.label.created",
            {**LABEL, "key": "phone", "value": "verified"},
            {},
            ["phone_verified"],
        ),
    ],
)
async def test_the_default_file_chooses(
    dsn: str, name: str, record: dict[str, Any], changes: dict[str, Any], mails: list[str]
) -> None:
    event = an_own_event(name, record=record, changes=changes)
    if name.startswith("model.user."):  # the record is the user
        event = ReceivedEvent(
            id=event.id,
            name=name,
            record={**event.record["user"], **record},
            changes=changes,
            snapshot=event.snapshot,
            issued_at=event.issued_at,
        )
    async with mail_server() as server, mailer_at(dsn, server.port) as mailer:
        await mailer.react(event)

    sent = [str(delivery.message["Message-ID"]) for delivery in server.deliveries]
    assert sent == [f"<{event.id}.{mail}@barong.io>" for mail in mails]


async def test_a_repeated_event_sends_nothing(dsn: str) -> None:
    event = an_own_event()
    async with mail_server() as server:
        async with mailer_at(dsn, server.port) as mailer:
            await mailer.react(event)
            await mailer.react(event)
            assert mailer.counted("confirmation", "repeated") == 1
        async with mailer_at(dsn, server.port) as restarted:
            await restarted.react(event)
            assert restarted.counted("confirmation", "repeated") == 1

    assert len(server.deliveries) == 1


async def test_a_failed_mail_is_sent_later_once(dsn: str) -> None:
    event = an_own_event()
    async with mail_server({"RCPT": "451 later"}) as busy, mailer_at(dsn, busy.port) as mailer:
        with pytest.raises(NotAcceptedError):
            await mailer.react(event)
    async with mail_server() as server, mailer_at(dsn, server.port) as mailer:
        await mailer.react(event)
        await mailer.react(event)

    assert busy.deliveries == []
    assert len(server.deliveries) == 1


async def test_one_kind_of_mail_is_limited_for_each_user(dsn: str) -> None:
    uid = f"ID{uuid.uuid4().hex[:10].upper()}"
    log_in = {**LOG_IN, "new_device": True}
    async with mail_server() as server, mailer_at(dsn, server.port) as mailer:
        for _ in range(7):
            await mailer.react(an_own_event("system.session.create", record=log_in, uid=uid))
        assert len(server.deliveries) == 5
        assert mailer.counted("new_log_in", "limited") == 2

        await mailer.react(an_own_event(uid=uid))  # another kind
        await mailer.react(an_own_event("system.session.create", record=log_in))  # another user
        assert len(server.deliveries) == 7


async def test_hostile_values_stay_where_they_belong(dsn: str) -> None:
    async with mail_server() as server, mailer_at(dsn, server.port) as mailer:
        await mailer.react(
            an_own_event(
                token='"><script>alert(1)</script>\r\nBcc: b@example.com',
                data='{"language": "../../etc\\r\\nBcc: b@example.com"}',
            )
        )
        await mailer.react(
            an_own_event(
                "system.session.create",
                record={
                    "user_ip": "192.0.2.7",
                    "user_agent": "Firefox https://evil.example <b>\r\n.\r\n",
                    "new_device": True,
                },
            )
        )

    for delivery in server.deliveries:
        html = delivery.message.get_body(("html",))
        assert html is not None
        assert "<script>" not in html.get_content()
        assert "evil" not in html.get_content() + text(delivery.message)
        assert delivery.message["Bcc"] is None
        assert delivery.recipients == ("user@example.com",)
    assert len(server.deliveries) == 2


@pytest.mark.parametrize("email", ["a@example.com\r\nBcc: b@example.com", "nobody", ""])
async def test_what_is_no_address_is_done_with(dsn: str, email: str) -> None:
    async with mail_server() as server, mailer_at(dsn, server.port) as mailer:
        await mailer.react(an_own_event(email=email))

    assert server.deliveries == []
    assert mailer.counted("confirmation", "refused") == 1


async def test_a_recipient_refused_for_good_is_done_with(dsn: str) -> None:
    event = an_own_event()
    replies = {"RCPT": "550 5.1.1 <user@example.com>: unknown"}
    async with mail_server(replies) as server, mailer_at(dsn, server.port) as mailer:
        with capture_logs() as logs:
            await mailer.react(event)
        await mailer.react(event)

    assert mailer.counted("confirmation", "refused") == 1
    assert mailer.counted("confirmation", "repeated") == 1
    [line] = [entry for entry in logs if entry["event"] == "recipient_refused"]
    assert line["uid"] == event.record["user"]["uid"]
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
    dsn: str, replies: dict[str, str], error: type[Exception], outcome: str
) -> None:
    async with mail_server(replies) as server, mailer_at(dsn, server.port) as mailer:
        with pytest.raises(error):
            await mailer.react(an_own_event())

    assert mailer.counted("confirmation", outcome) == 1
