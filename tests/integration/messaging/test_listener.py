"""The listener: hears while it is there, and knows when it was deaf."""

from dataclasses import dataclass, field

import aio_pika
import pytest

from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import EVENTS, SUBSCRIPTIONS
from shared.errors import Unavailable
from shared.messaging.listener import Listener
from tests.support.gate import Gate
from tests.support.messaging import (
    CREATED,
    UPDATED,
    Keys,
    an_event,
    answers,
    channel_to,
    signed,
    verifier,
)
from tests.support.supervision import supervised
from tests.support.waiting import until


@dataclass(slots=True)
class Story:
    """What the listener told, in order."""

    told: list[object] = field(default_factory=list)

    async def heard(self, event: ReceivedEvent) -> None:
        self.told.append(event.record["number"])

    async def missed(self) -> None:
        self.told.append("missed")

    async def becomes(self, *told: object) -> None:
        async def same() -> bool:
            return self.told == list(told)

        try:
            await until(same)
        except TimeoutError:
            pytest.fail(f"told {self.told}, not {told}")


def a_listener(url: str, story: Story, keys: Keys | None = None) -> Listener:
    patterns = ("model.user.*", "system.session.revoked")
    return Listener(url, "test", patterns, verifier(keys), story.heard, story.missed)


async def tell(url: str, *events: tuple[int, str]) -> None:
    """Publishes events on the exchange."""
    async with channel_to(url) as channel:
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        for number, name in events:
            message = aio_pika.Message(signed(an_event(number, name)))
            await exchange.publish(message, name, mandatory=False)


async def test_it_hears_what_it_listens_for(broker: str) -> None:
    story = Story()
    listener = a_listener(broker, story)
    async with supervised("listener", listener.run):
        await until(answers(listener.check))
        await tell(broker, (1, CREATED), (2, "system.session.create"), (3, UPDATED))
        await tell(broker, (4, "system.session.revoked"), (5, "model.label.created"))
        await story.becomes("missed", 1, 3, 4)
    await story.becomes("missed", 1, 3, 4, "missed")


async def test_two_processes_hear_everything(broker: str) -> None:
    stories = Story(), Story()
    listeners = [a_listener(broker, story) for story in stories]
    async with supervised("a", listeners[0].run), supervised("b", listeners[1].run):
        for listener in listeners:
            await until(answers(listener.check))
        await tell(broker, (1, CREATED))
        for story in stories:
            await story.becomes("missed", 1)


async def test_whoever_depends_on_it_learns_of_each_loss_and_return(
    broker_gate: Gate, broker: str
) -> None:
    story = Story()
    listener = a_listener(broker_gate.url, story)
    ready = answers(listener.check)
    async with supervised("listener", listener.run):
        await until(ready)
        await tell(broker, (1, CREATED))
        await story.becomes("missed", 1)
        await broker_gate.shut()
        await story.becomes("missed", 1, "missed")
        with pytest.raises(Unavailable):
            await listener.check()
        await tell(broker, (2, CREATED))
        await broker_gate.open()
        await until(ready)
        await tell(broker, (3, CREATED))
        await story.becomes("missed", 1, "missed", "missed", 3)


async def test_what_nobody_of_ours_signed_is_not_heard(broker: str) -> None:
    story = Story()
    listener = a_listener(broker, story)
    async with supervised("listener", listener.run), channel_to(broker) as channel:
        await until(answers(listener.check))
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        for body in (b"", b"{}", signed(an_event(1)).replace(b'"payload":"e', b'"payload":"f')):
            await exchange.publish(aio_pika.Message(body), CREATED, mandatory=False)
        await tell(broker, (2, CREATED))
        await story.becomes("missed", 2)


async def test_an_event_that_could_not_be_verified_counts_as_missed(broker: str) -> None:
    story, keys = Story(), Keys(down=True)
    listener = a_listener(broker, story, keys)
    async with supervised("listener", listener.run):
        await until(answers(listener.check))
        await tell(broker, (1, CREATED))
        await story.becomes("missed", "missed")
        keys.down = False

        async def verified() -> bool:
            """Keys are asked for again half a second after a failure."""
            await tell(broker, (2, CREATED))
            return 2 in story.told

        await until(verified)
    assert story.told[:2] == ["missed", "missed"]
    assert set(story.told[2:]) <= {"missed", 2}


async def test_one_who_cannot_react_starts_anew(broker: str) -> None:
    story = Story()
    failing = True

    async def heard(event: ReceivedEvent) -> None:
        if failing:
            raise ValueError
        await story.heard(event)

    listener = Listener(broker, "test", ("#",), verifier(), heard, story.missed)
    async with supervised("listener", listener.run):
        await until(answers(listener.check))
        await tell(broker, (1, CREATED))
        await story.becomes("missed", "missed", "missed")
        failing = False
        await until(answers(listener.check))
        await tell(broker, (2, CREATED))
        await story.becomes("missed", "missed", "missed", 2)


async def test_it_leaves_no_queue_behind(broker: str) -> None:
    story = Story()
    listener = a_listener(broker, story)
    async with supervised("listener", listener.run):
        await until(answers(listener.check))
    async with channel_to(broker) as channel:
        for subscription in SUBSCRIPTIONS:
            await channel.queue_delete(subscription.queue)
        exchange = await channel.get_exchange(EVENTS, ensure=False)
        with pytest.raises(aio_pika.exceptions.DeliveryError):
            await exchange.publish(aio_pika.Message(b""), "system.session.revoked", mandatory=True)
