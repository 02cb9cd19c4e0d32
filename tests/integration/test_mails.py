"""What people read in their mailbox after calls at the gateway."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from urllib.parse import quote

import aio_pika
import aiohttp
import pytest

from shared.contracts.topology import EVENTS
from shared.messaging.broker import connected
from tests.support.client import Client
from tests.support.system import PASSWORD
from tests.support.waiting import until
from tests.unit.mailer.mail_server import text


async def mailed(client: Client, subject: str) -> EmailMessage:
    """The mail with this subject, once it is the latest one to the client."""
    file = client.system.mail / f"{quote(client.email, safe='@')}.eml"

    async def arrived() -> EmailMessage | None:
        if not file.exists():
            return None
        message = message_from_bytes(file.read_bytes(), policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message if message["Subject"] == subject else None

    found = await until(arrived, 30)
    assert isinstance(found, EmailMessage)
    return found


async def test_a_log_in_from_elsewhere(client: Client) -> None:
    client.headers = {"X-Forwarded-For": "198.18.0.1"}
    await client.sign_up(data='{"language": "de-AT"}')
    await client.confirm()
    client.headers = {"X-Forwarded-For": "198.51.100.7"}
    await client.log_in()

    message = await mailed(client, "Neue Anmeldung an Ihrem Konto bei Barong")
    assert "Gerät: Firefox, Linux" in text(message)
    assert "Adresse: 198.51.100.7" in text(message)
    assert "http://localhost:8080/?lang=de" in text(message)


async def test_a_changed_password(client: Client) -> None:
    await client.become_member()
    changed = await client.call(
        "PUT",
        "resource/users/password",
        {
            "old_password": PASSWORD,
            "new_password": f"{PASSWORD}2",
            "confirm_password": f"{PASSWORD}2",
        },
    )
    assert changed.status == 201, changed.errors

    await mailed(client, "Your password at Barong was changed")


@pytest.mark.parametrize(
    ("key", "value", "subject"),
    [
        ("document", "verified", "Your documents at Barong are verified"),
        ("document", "rejected", "Your documents at Barong were not accepted"),
        ("profile", "rejected", "Ihr Profil bei Barong wurde nicht angenommen"),
    ],
)
async def test_a_verdict_of_staff(
    client: Client, admin: Client, key: str, value: str, subject: str
) -> None:
    language = "de" if subject.startswith("Ihr ") else "fr"
    await client.sign_up(data=f'{{"language": "{language}"}}')
    uid = (await client.confirm()).body["uid"]
    label = {"uid": uid, "key": key, "value": value, "scope": "private"}
    answer = await admin.post("admin/users/labels", {**label, "description": "Blurred <b>."})
    assert answer.status in (200, 201), answer.errors

    message = await mailed(client, subject)
    if value == "rejected":
        html = message.get_body(("html",))
        assert html is not None
        assert "Blurred &lt;b&gt;." in html.get_content()
        assert "Blurred <b>." in text(message)


async def test_a_deleted_account(client: Client) -> None:
    await client.become_member()
    deleted = await client.call("DELETE", "resource/users/me", {"password": PASSWORD})
    assert deleted.status == 204

    await mailed(client, "Your Barong account is deleted")


async def test_nobody_mails_themselves_a_verdict(client: Client) -> None:
    """Public labels are the users' own; the log-in after it shows that nothing was sent before."""
    client.headers = {"X-Forwarded-For": "198.18.0.1"}
    await client.become_member()
    answer = await client.post("resource/labels", {"key": "profile", "value": "verified"})
    assert answer.status == 201
    sent_before = await _latest(client)
    client.headers = {"X-Forwarded-For": "198.51.100.7"}
    await client.log_in()

    await mailed(client, "New log-in to your Barong account")
    assert "Confirm" in sent_before


async def test_an_event_that_is_published_again_is_no_mail(client: Client) -> None:
    """As a relay does that got no confirm, or whose batch another queue refused."""
    async with connected(client.system.environments["identity"]["AMQP_URL"], "test") as connection:
        channel = await connection.channel()
        heard = await channel.declare_queue(exclusive=True)
        await heard.bind(EVENTS, "system.user.email.confirmation.token")
        sent, repeated = await _count(client, "sent"), await _count(client, "repeated")
        await client.become_member()
        message = await heard.get()
        copy = aio_pika.Message(message.body, message_id=message.message_id, type=message.type)
        exchange = await channel.get_exchange(EVENTS)
        for _ in range(20):
            await exchange.publish(copy, "system.user.email.confirmation.token")

    async def all_repeated() -> bool:
        return await _count(client, "repeated") == repeated + 20

    await until(all_repeated, 30)
    assert await _count(client, "sent") == sent + 1


async def _count(client: Client, outcome: str) -> float:
    """How many confirmations had this outcome so far, as mailer-svc's metrics say."""
    url = f"{client.system.internal_url('mailer')}/metrics"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        metrics = await answer.text()
    found = re.search(rf'mails_total{{mail="confirmation",outcome="{outcome}"}} (\S+)', metrics)
    return float(found[1]) if found else 0.0


async def _latest(client: Client) -> str:
    file = client.system.mail / f"{quote(client.email, safe='@')}.eml"
    return str(message_from_bytes(file.read_bytes(), policy=policy.default)["Subject"])
