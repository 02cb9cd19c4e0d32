"""A connection to the broker is closed, whatever way the attempt to make it ends."""

import asyncio
import gc
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aio_pika.exceptions import AMQPError

from deploy.local import ports
from shared.messaging.broker import connected
from tests.support.handshakes import (
    BAD_PASSWORD,
    HANG_UP,
    NO_SUCH_HOST,
    OPENED,
    SILENCE,
    START,
    TUNE,
    HalfBroker,
)
from tests.support.messaging import channel_to


def dropped(attempt: Callable[[], Coroutine[Any, Any, None]]) -> list[str]:
    """What Python says of the objects that `attempt` leaves to the garbage collector.

    They are collected while no event loop runs, as between two tests: a destructor that wants to
    await something is heard only then. What exists before is left out: the collector would take a
    second to look through the whole system, and other tests' garbage is not ours.
    """

    def run() -> list[str]:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(attempt())
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                gc.collect()
        finally:
            loop.close()
        return [str(warning.message) for warning in said]

    gc.freeze()
    try:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(run).result(60)
    finally:
        gc.unfreeze()


async def fails(url: str, seconds: float = 5) -> None:
    with pytest.raises((AMQPError, OSError)):
        async with connected(url, "test", seconds=seconds):
            pytest.fail("the broker was not to accept this")


@pytest.mark.parametrize(
    "steps",
    [
        (HANG_UP,),
        (START, HANG_UP),
        (START, BAD_PASSWORD),
        (START, TUNE, HANG_UP),
        (START, TUNE, NO_SUCH_HOST),
        (TUNE,),
    ],
    ids=[
        "hangs up at once",
        "hangs up at the credentials",
        "refuses the credentials",
        "hangs up at the virtual host",
        "refuses the virtual host",
        "does not begin with the beginning",
    ],
)
def test_a_broker_that_refuses(steps: tuple[Any, ...]) -> None:
    async def attempt() -> None:
        async with HalfBroker.listening(*steps) as peer:
            await fails(peer.url)

    assert dropped(attempt) == []


def test_a_broker_that_is_not_there() -> None:
    async def attempt() -> None:
        await fails(f"amqp://user:secret@127.0.0.1:{ports.free_ports(1)[0]}/host")

    assert dropped(attempt) == []


def test_a_name_that_is_not_there() -> None:
    async def attempt() -> None:
        await fails("amqp://user:secret@broker.invalid/host")

    assert dropped(attempt) == []


@pytest.mark.parametrize("steps", [(SILENCE,), (START, SILENCE), (START, TUNE, SILENCE)])
def test_a_broker_that_falls_silent(steps: tuple[Any, ...]) -> None:
    async def attempt() -> None:
        async with HalfBroker.listening(*steps) as peer:
            await fails(peer.url, seconds=0.2)

    assert dropped(attempt) == []


def test_a_broker_that_does_not_let_go() -> None:
    """It never confirms that the connection is closed."""

    async def attempt() -> None:
        async with HalfBroker.listening(START, TUNE, OPENED, closes=False) as peer:
            with pytest.raises(TimeoutError):
                async with connected(peer.url, "test", seconds=0.2):
                    pass

    assert dropped(attempt) == []


@pytest.mark.parametrize("moments", range(12))
def test_an_attempt_that_is_cancelled_as_the_broker_accepts(moments: int) -> None:
    """So many turns of the event loop after the broker's last word."""

    async def attempt() -> None:
        async def stay() -> None:
            async with connected(peer.url, "test"):
                await asyncio.Event().wait()

        async with HalfBroker.listening(START, TUNE, OPENED) as peer:
            task = asyncio.create_task(stay())
            await peer.done.wait()
            for _ in range(moments):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                async with asyncio.timeout(30):
                    await task
            await peer.is_left()

    assert dropped(attempt) == []


async def test_a_real_broker_refuses(broker: str) -> None:
    """Credentials, and a virtual host, that it does not know."""
    account, _, place = broker.rpartition("@")
    await fails(f"{account}-not@{place}")
    await fails(f"{broker}-not")
    async with channel_to(broker) as channel:
        assert not channel.is_closed
