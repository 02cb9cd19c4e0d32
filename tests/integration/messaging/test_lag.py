"""How far a service lags is told while events wait, fail, die and cannot be read at all."""

import asyncio
import math

from prometheus_client import CollectorRegistry

from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import ADMIN, RETRY_SECONDS
from shared.errors import Unavailable
from tests.support.gate import Gate
from tests.support.messaging import (
    CREATED,
    Keys,
    Witness,
    a_subscriber,
    acknowledged,
    an_event,
    publish,
    signed,
)
from tests.support.supervision import supervised
from tests.support.waiting import until

QUEUE = {"queue": ADMIN.queue}
LAST = {"x-attempt": len(RETRY_SECONDS)}


def told(registry: CollectorRegistry, name: str) -> float:
    value = registry.get_sample_value(name, QUEUE)
    assert value is not None
    return value


async def tells(registry: CollectorRegistry, name: str, value: float) -> None:
    async def so() -> bool:
        return told(registry, name) == value

    await until(so)


async def test_an_idle_queue_has_no_lag(broker: str) -> None:
    registry = CollectorRegistry()
    async with supervised("s", a_subscriber(broker, Witness(), registry=registry).run):
        for name in ("lag_seconds", "waiting_events", "retrying_events", "dead_letters"):
            await tells(registry, f"queue_{name}", 0)


async def test_the_lag_is_the_age_of_what_waits(broker: str) -> None:
    registry = CollectorRegistry()
    down = asyncio.Event()
    down.set()

    async def react(_event: ReceivedEvent) -> None:
        if down.is_set():
            raise Unavailable("postgresql")

    await publish(broker, *(signed(an_event(number)) for number in range(30)))
    async with supervised("s", a_subscriber(broker, react, registry=registry).run):

        async def behind() -> bool:
            # Those that were fetched ahead do not wait in the queue any more.
            return (
                told(registry, "queue_lag_seconds") > 1
                and told(registry, "queue_waiting_events") >= 15
            )

        await until(behind)
        down.clear()
        await tells(registry, "queue_lag_seconds", 0)
        await tells(registry, "queue_waiting_events", 0)
        await acknowledged(registry, 30)
    assert told(registry, "queue_event_age_seconds_count") == 30
    assert told(registry, "queue_event_age_seconds_sum") > 1


async def test_an_event_that_cannot_be_opened_yet_is_behind_too(broker: str) -> None:
    registry = CollectorRegistry()
    keys = Keys(down=True)
    await publish(broker, signed(an_event(1)))
    async with supervised("s", a_subscriber(broker, Witness(), keys, registry).run):

        async def behind() -> bool:
            return told(registry, "queue_lag_seconds") > 0.5

        await until(behind)
        keys.down = False
        await tells(registry, "queue_lag_seconds", 0)


async def test_what_rests_and_what_died_is_counted(broker: str) -> None:
    registry = CollectorRegistry()

    async def fails(_event: ReceivedEvent) -> None:
        raise KeyError

    await publish(broker, signed(an_event(1)), headers={"x-attempt": 2})  # rests for a minute
    await publish(broker, *(signed(an_event(number)) for number in (2, 3)), headers=LAST)
    await publish(broker, b"junk")
    async with supervised("s", a_subscriber(broker, fails, registry=registry).run):
        await tells(registry, "queue_retrying_events", 1)
        await tells(registry, "queue_dead_letters", 3)
        await tells(registry, "queue_lag_seconds", 0)  # what failed holds up nobody
    handled = {"queue": ADMIN.queue, "event": CREATED, "outcome": "dead"}
    assert registry.get_sample_value("events_handled_total", handled) == 3


async def test_without_a_broker_nothing_is_told_but_that(broker_gate: Gate) -> None:
    registry = CollectorRegistry()
    names = ("lag_seconds", "waiting_events", "retrying_events", "dead_letters")
    subscriber = a_subscriber(broker_gate.url, Witness(), registry=registry)

    async def unknown() -> bool:
        return all(math.isnan(told(registry, f"queue_{name}")) for name in names)

    assert await unknown()
    async with supervised("s", subscriber.run):
        await tells(registry, "queue_lag_seconds", 0)
        await broker_gate.shut()
        await until(unknown)
        await broker_gate.open()
        await tells(registry, "queue_dead_letters", 0)
    assert await unknown()
