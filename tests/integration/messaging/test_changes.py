"""What services tell all gateways past the relay."""

import base64
from collections.abc import Callable
from contextlib import AsyncExitStack

import aio_pika
import jwt
import pytest

from shared.contracts.topology import CHANGES
from shared.crypto.key_ring import KeyRing
from shared.messaging.changes import ChangeListener, ChangePublisher, ChangeSeal
from tests.support.supervision import supervised
from tests.support.waiting import until

OLD, NEW, OTHER = (
    f"{name}:{base64.b64encode(name[:1].encode() * 32).decode()}" for name in ("old", "new", "xyz")
)


async def test_every_listener_gets_a_change_and_unsigned_ones_are_ignored(
    new_amqp_url: Callable[[], str],
) -> None:
    url = new_amqp_url()
    heard: list[list[str]] = [[], []]
    publisher = ChangePublisher(url, "publisher", KeyRing.parse(f"{NEW},{OLD}"))
    listeners = [
        ChangeListener(url, "listener", KeyRing.parse(f"{OLD},{NEW}"), each.extend)
        for each in heard
    ]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(supervised("publisher", publisher.run))
        for listener in listeners:
            await stack.enter_async_context(supervised("listener", listener.run))

        async def told() -> bool:
            await publisher.publish("user:ID1, policy")
            return all("policy" in each for each in heard)

        await until(told)
        connection = await aio_pika.connect(url)
        stack.push_async_callback(connection.close)
        exchange = await (await connection.channel()).get_exchange(CHANGES)
        for forged in (b"", b"{}", ChangeSeal(KeyRing.parse(OTHER)).seal("everything")):
            await exchange.publish(aio_pika.Message(forged), "")

        async def told_after_them() -> bool:
            await publisher.publish("user:LAST")
            return all("user:LAST" in each for each in heard)

        await until(told_after_them)
    assert {subject for each in heard for subject in each} == {"user:ID1", "policy", "user:LAST"}


async def test_without_a_broker_nothing_is_told_and_nobody_waits() -> None:
    await ChangePublisher("amqp://127.0.0.1:1/", "publisher", KeyRing.parse(NEW)).publish("policy")


@pytest.mark.parametrize(
    "claims",
    [{"aud": CHANGES}, {"exp": 9e9}, {"aud": CHANGES, "exp": 1}, {"aud": "audit", "exp": 9e9}],
)
def test_what_is_old_or_meant_for_others_is_refused(claims: dict[str, object]) -> None:
    seal = ChangeSeal(KeyRing.parse(NEW))
    key = seal._keys["new"]  # noqa: SLF001 - only a thief has it
    token = jwt.encode({**claims, "changes": "policy"}, key, "HS256", headers={"kid": "new"})
    with pytest.raises(ValueError, match="Error"):
        seal.open(token.encode())
