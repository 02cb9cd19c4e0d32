"""Events that were set aside: looked into, and played again."""

import asyncio
from datetime import timedelta

from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import ADMIN, RETRY_SECONDS, SUBSCRIPTIONS
from shared.database.pool import Connection, Database
from shared.messaging.dead_letters import DeadLetter, counts, look, replay
from shared.messaging.inbox import once
from tests.support.messaging import (
    CREATED,
    Witness,
    a_subscriber,
    an_event,
    channel_to,
    contents,
    messages,
    publish,
    signed,
)
from tests.support.supervision import supervised
from tests.support.waiting import until

LAST = {"x-attempt": len(RETRY_SECONDS)}


async def fails(_event: ReceivedEvent) -> None:
    raise KeyError


async def letters(url: str, limit: int = 100) -> list[DeadLetter]:
    return [letter async for letter in look(url, ADMIN, limit)]


async def set_aside(url: str, *bodies: bytes) -> None:
    """Makes dead letters of these, the way in which services do."""
    await publish(url, *bodies, headers=LAST)
    async with channel_to(url) as channel, supervised("s", a_subscriber(url, fails).run):

        async def all_dead() -> bool:
            return await messages(channel, ADMIN.dead_letters) == len(bodies)

        await until(all_dead)


async def test_all_queues_are_counted_at_a_broker_that_nobody_has_used(broker: str) -> None:
    nothing = dict.fromkeys((each.queue for each in SUBSCRIPTIONS), 0)
    assert await counts(broker, SUBSCRIPTIONS) == nothing
    await set_aside(broker, signed(an_event(1)), b"junk")

    async def counted() -> bool:
        return await counts(broker, SUBSCRIPTIONS) == {**nothing, ADMIN.queue: 2}

    await until(counted)


async def test_looking_leaves_them_where_they_are(broker: str) -> None:
    assert await letters(broker) == []
    await set_aside(broker, signed(an_event(1)), signed(an_event(2)), b"junk")

    first = await letters(broker)
    assert [(letter.name, letter.reason) for letter in first] == [
        (CREATED, "KeyError"),
        (CREATED, "KeyError"),
        (CREATED, "untrusted: JSONDecodeError"),
    ]
    assert len({letter.event_id for letter in first}) == 3
    for _ in range(25):
        assert await letters(broker) == first
    assert await letters(broker, limit=2) == first[:2]


async def test_each_of_many_comes_once(broker: str) -> None:
    """Their order is the broker's: letters that were looked at may come back behind others."""
    await set_aside(broker, *(signed(an_event(number)) for number in range(30)))
    every = {letter.event_id for letter in await letters(broker)}
    assert len(every) == 30
    for limit, number in ((25, 25), (100, 30), (30, 30)):
        found = [letter.event_id for letter in await letters(broker, limit)]
        assert len(found) == number
        assert len(set(found) & every) == number


async def test_they_are_kept_for_thirty_days(broker: str) -> None:
    await set_aside(broker, signed(an_event(1)))

    async with channel_to(broker) as channel:
        queue = await channel.get_queue(ADMIN.dead_letters)
        letter = await queue.get()
        assert letter.expiration == timedelta(days=30).total_seconds()


async def test_who_stops_looking_in_the_middle_loses_nothing(broker: str) -> None:
    await set_aside(broker, *(signed(an_event(number)) for number in range(3)))

    async for _ in look(broker, ADMIN, 100):
        break
    assert len(await letters(broker)) == 3


async def test_played_again_they_are_handled_as_if_new(broker: str) -> None:
    witness = Witness()
    await set_aside(broker, *(signed(an_event(number)) for number in range(3)))

    assert await replay(broker, ADMIN, 2) == 2
    assert await replay(broker, ADMIN, 100) == 1
    assert await replay(broker, ADMIN, 100) == 0
    assert await letters(broker) == []
    async with supervised("s", a_subscriber(broker, witness).run):
        assert await witness.sees(3) == [0, 1, 2]


async def test_played_again_an_event_gets_all_its_attempts_back(broker: str) -> None:
    await set_aside(broker, signed(an_event(1)))
    await replay(broker, ADMIN, 100)
    async with channel_to(broker) as channel, supervised("s", a_subscriber(broker, fails).run):
        [message] = await contents(channel, ADMIN.retry(RETRY_SECONDS[0]))

    assert message.headers["x-attempt"] == 1


async def test_what_is_set_aside_again_at_once_is_played_again_once(broker: str) -> None:
    """A service needs no time to find that it cannot trust an event."""
    await set_aside(broker, b"junk", b"more junk", b"the most junk")
    async with channel_to(broker) as channel, supervised("s", a_subscriber(broker, fails).run):
        assert await replay(broker, ADMIN, 1000) == 3

        async def all_are_back() -> bool:
            return await messages(channel, ADMIN.dead_letters) == 3

        await until(all_are_back)


async def test_playing_again_what_was_done_already_changes_nothing(
    schema: Database, broker: str
) -> None:
    witness = Witness()
    body = signed(an_event(1))

    async def deed(_connection: Connection, event: ReceivedEvent) -> None:
        await witness(event)

    await set_aside(broker, body, body)
    await publish(broker, body)
    async with supervised("s", a_subscriber(broker, once(schema, deed)).run):
        await witness.sees(1)
        assert await replay(broker, ADMIN, 100) == 2
        await publish(broker, signed(an_event(2)))
        await witness.sees(2)

    assert witness.numbers == [1, 2]


async def test_what_is_delivered_too_often_is_set_aside_by_the_broker(broker: str) -> None:
    await publish(broker, signed(an_event(1)))
    async with channel_to(broker) as channel:
        queue = await channel.get_queue(ADMIN.queue, ensure=False)
        async with asyncio.timeout(30), queue.iterator() as deliveries:
            for _ in range(21):
                await (await anext(deliveries)).nack(requeue=True)

    async def set_aside_by_now() -> bool:
        return [letter.reason for letter in await letters(broker)] == ["delivery limit"]

    await until(set_aside_by_now)
