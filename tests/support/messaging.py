"""Relays, subscribers and channels for tests, made of the real classes."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aio_pika
import jwt
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from cryptography.hazmat.primitives.asymmetric import rsa
from prometheus_client import CollectorRegistry

from shared.contracts.events import Event, ReceivedEvent
from shared.contracts.topology import ADMIN, EVENTS, LEGACY_PREFIXES
from shared.crypto.key_ring import KeyRing
from shared.database.pool import Database
from shared.errors import Unavailable
from shared.messaging.broker import connected, declare_topology
from shared.messaging.envelope import EventVerifier, sign
from shared.messaging.inbox import Reaction
from shared.messaging.lag import QueueMetrics
from shared.messaging.outbox import Outbox
from shared.messaging.publisher import CONFIRM_SECONDS, PROBE_SECONDS, publisher
from shared.messaging.refusals import ManagementApi, Refusals
from shared.messaging.relay import POLL_SECONDS, Relay
from shared.messaging.subscriber import LONGEST_WAIT, Subscriber
from shared.tokens.key_set import JwksDocument, KeySet
from tests.support.waiting import until

RING = KeyRing({"test": bytes(32)})
PUBLIC_URL = "https://barong.example"
KID = "messaging"
CREATED, UPDATED, *_ = ADMIN.events
KEY = rsa.generate_private_key(65537, 2048)


def an_event(number: int = 0, name: str = CREATED, **changes: Any) -> Event:
    """An event that some queue of ours is bound to."""
    return Event(**{"name": name, "record": {"number": number}, **changes})


def public_key() -> rsa.RSAPublicKey:
    """What the signer's messages verify with."""
    return KEY.public_key()


def signed(event: Event, key: rsa.RSAPrivateKey = KEY) -> bytes:
    return sign(event, key, KID, "barong")


@dataclass(slots=True)
class Signer:
    """Signs as identity-svc does, unless it is down; `batches`: how many events at a time.

    `refused`: how often it was asked while it was down.
    """

    down: bool = False
    refused: int = 0
    batches: list[int] = field(default_factory=list)

    async def sign(self, events: Sequence[Event]) -> list[bytes]:
        if self.down:
            self.refused += 1
            raise Unavailable("identity-svc")
        self.batches.append(len(events))
        return [signed(event) for event in events]


@dataclass(slots=True)
class Keys:
    """Publishes the signer's key, unless it is down; `refused`: how often it was asked then."""

    down: bool = False
    refused: int = 0

    async def jwks(self) -> JwksDocument:
        if self.down:
            self.refused += 1
            raise Unavailable("identity-svc")
        public = jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": KID, "alg": "RS256"}]}


def verifier(keys: Keys | None = None) -> EventVerifier:
    return EventVerifier(KeySet((keys or Keys()).jwks), "barong")


def a_relay(
    database: Database,
    url: str,
    signer: Signer | None = None,
    registry: CollectorRegistry | None = None,
    *,
    poll_seconds: float = POLL_SECONDS,
    confirm_seconds: float = CONFIRM_SECONDS,
    probe_seconds: float = PROBE_SECONDS,
    management: ManagementApi | None = None,
) -> Relay:
    registry = registry or CollectorRegistry()
    refusals = Refusals(registry, management, poll_seconds=0.2)
    return Relay(
        database,
        Outbox(RING),
        signer or Signer(),
        lambda: publisher(
            *(url, "relay under test", refusals, PUBLIC_URL),
            confirm_seconds=confirm_seconds,
            probe_seconds=probe_seconds,
        ),
        registry,
        poll_seconds=poll_seconds,
    )


def a_subscriber(
    url: str,
    reaction: Reaction,
    keys: Keys | None = None,
    registry: CollectorRegistry | None = None,
    *,
    longest_wait: float = LONGEST_WAIT,
) -> Subscriber:
    """admin-svc's subscriber, with one reaction to all of its events."""
    reactions = dict.fromkeys(ADMIN.events, reaction)
    metrics = QueueMetrics(registry or CollectorRegistry())
    return Subscriber(url, ADMIN, verifier(keys), reactions, metrics, longest_wait=longest_wait)


async def acknowledged(registry: CollectorRegistry, count: int) -> None:
    """Returns once a subscriber has given back so many messages to the broker as done."""

    async def counted() -> bool:
        labels = {"queue": ADMIN.queue, "event": CREATED, "outcome": "done"}
        return registry.get_sample_value("events_handled_total", labels) == count

    await until(counted)


async def add(
    database: Database, *events: Event, ring: KeyRing | None = RING, then: str = "SELECT 1"
) -> None:
    """Writes events to the outbox, in one transaction with another statement."""
    async with database.transaction() as connection:
        await Outbox(ring).add(connection, *events)
        await connection.execute(then)


async def waiting(database: Database) -> int:
    """How many events of the outbox are not marked as published."""
    async with database.connection() as connection:
        return (await Outbox().backlog(connection)).events


async def all_published(database: Database, seconds: float = 10) -> None:
    async def none_waits() -> bool:
        return await waiting(database) == 0

    await until(none_waits, seconds)


@dataclass(slots=True)
class Tap:
    """What was on the wire: exchange, routing key and message, in order."""

    heard: list[tuple[str, str, AbstractIncomingMessage]] = field(default_factory=list)

    async def hear(self, message: AbstractIncomingMessage) -> None:
        self.heard.append((message.exchange or "", message.routing_key or "", message))

    def ids(self, exchange: str = EVENTS) -> list[uuid.UUID]:
        return [uuid.UUID(message.message_id) for on, _, message in self.heard if on == exchange]

    async def hears(self, count: int, exchange: str = EVENTS) -> list[uuid.UUID]:
        """The first ids on the exchange, once there are so many."""

        async def enough() -> list[uuid.UUID]:
            return ids if len(ids := self.ids(exchange)) >= count else []

        return await until(enough)

    async def hears_of(self, event: Event) -> None:
        """Returns once the event was published."""

        async def heard() -> bool:
            return event.id in self.ids()

        await until(heard)


@asynccontextmanager
async def tapped(url: str) -> AsyncIterator[Tap]:
    """Hears everything that is published from now on, on every exchange."""
    tap = Tap()
    async with channel_to(url) as channel:
        for exchange, key in ((EVENTS, "#"), *legacy_keys()):
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(exchange, key)
            await queue.consume(tap.hear, no_ack=True)
        yield tap


def legacy_keys() -> list[tuple[str, str]]:
    """What a subscriber of the former system binds to."""
    keys = {"model": ("user.created", "user.updated"), "system": ("session.create",)}
    return [(f"{EVENTS}.{prefix}", key) for prefix in LEGACY_PREFIXES for key in keys[prefix]]


@asynccontextmanager
async def channel_to(url: str) -> AsyncIterator[AbstractChannel]:
    """A channel on which everything is declared."""
    async with connected(url, "test") as connection:
        channel = await connection.channel(on_return_raises=True)
        await declare_topology(channel)
        yield channel


async def publish(url: str, *bodies: bytes, headers: Any = None, queue: str = ADMIN.queue) -> None:
    """Puts messages straight into a queue, each with an id of its own."""
    async with channel_to(url) as channel:
        for body in bodies:
            message = aio_pika.Message(
                body, headers=headers, message_id=str(uuid.uuid4()), type=CREATED
            )
            await channel.default_exchange.publish(message, queue)


async def messages(channel: AbstractChannel, queue: str) -> int:
    """How many messages wait in a queue."""
    declared = await channel.declare_queue(queue, passive=True)
    return declared.declaration_result.message_count or 0


async def contents(
    channel: AbstractChannel, queue: str, count: int = 1
) -> list[AbstractIncomingMessage]:
    """Takes so many messages out of a queue, as soon as they are there."""
    source = await channel.get_queue(queue, ensure=False)
    taken: list[AbstractIncomingMessage] = []
    async with asyncio.timeout(30):
        while len(taken) < count:
            message = await source.get(no_ack=True, fail=False)
            if message is None:
                await asyncio.sleep(0.02)
            else:
                taken.append(message)
    return taken


def answers(ask: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[bool]]:
    """Whether a check passes, as something to wait for."""

    async def passes() -> bool:
        try:
            await ask()
        except Unavailable:
            return False
        return True

    return passes


@dataclass(slots=True)
class Witness:
    """A reaction that remembers what it saw."""

    seen: list[ReceivedEvent] = field(default_factory=list)

    async def __call__(self, event: ReceivedEvent) -> None:
        self.seen.append(event)

    @property
    def numbers(self) -> list[int]:
        return [event.record["number"] for event in self.seen]

    async def sees_number(self, number: int) -> None:
        """Returns once it saw the event with this number."""

        async def seen() -> bool:
            return number in self.numbers

        await until(seen)

    async def sees(self, count: int) -> list[int]:
        """The numbers of what it saw, once it saw so many."""

        async def enough() -> list[int]:
            return self.numbers if len(self.seen) >= count else []

        return await until(enough)


async def refused_again(dependency: Signer | Keys) -> None:
    """Returns once it was asked twice, in vain: what was to happen after once has happened."""

    async def twice() -> bool:
        return dependency.refused >= 2

    await until(twice)
