"""Where a delivery is really sent: the address counts, whatever the URL says."""

import asyncio
from ipaddress import ip_network

import pytest
from aiohttp import web

from tests.support.webhook_receiver import webhook_receiver
from webhooks_svc.deliveries.http import HttpSender
from webhooks_svc.deliveries.models import Message

MESSAGE = Message(id="1", payload="{}")
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.mark.parametrize(
    ("host", "error"),
    [
        ("127.0.0.1", "the address is not public"),
        ("localhost", "the address is not public"),
        ("0x7f000001", "the address is not public"),
        ("2130706433", "InvalidUrlClientError"),
        ("127.1", "InvalidUrlClientError"),
    ],
)
async def test_an_address_that_is_not_public_is_refused_after_names_are_resolved(
    host: str, error: str
) -> None:
    async with webhook_receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", host)
        sender = HttpSender((), 5)
        async with sender.opened():
            outcome = await sender.send(url, MESSAGE, {})

        assert outcome.error == error
        assert not receiver.calls


async def test_an_allowed_one_is_called_and_its_answer_is_bounded() -> None:
    async with webhook_receiver() as receiver:
        receiver.answer = lambda: web.Response(text="x" * 100_000, headers={"Retry-After": "7"})
        sender = HttpSender(LOOPBACK, 5)
        async with sender.opened():
            outcome = await sender.send(receiver.url, MESSAGE, {"webhook-id": "1"})

    assert (outcome.status, outcome.answer, outcome.retry_after) == (200, "x" * 1024, 7)
    assert receiver.calls[0].headers["webhook-id"] == "1"
    assert "cookie" not in receiver.calls[0].headers


async def test_nobody_there_and_nobody_answering_are_outcomes() -> None:
    async with webhook_receiver() as receiver:
        receiver.hang = asyncio.Event()
        sender = HttpSender(LOOPBACK, 0.2)
        async with sender.opened():
            slow = await sender.send(receiver.url, MESSAGE, {})
            absent = await sender.send("http://127.0.0.1:1/", MESSAGE, {})

    assert (slow.status, slow.error) == (None, "timeout")
    assert (absent.status, absent.error) == (None, "ClientConnectorError")
