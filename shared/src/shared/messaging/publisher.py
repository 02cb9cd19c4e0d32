"""Publishes signed events, with confirms of the broker.

An event goes to the topic exchange and to a direct exchange, to which anybody may bind a queue. The
broker confirms a message when every queue has it, so that one full queue of somebody's makes it
refuse the message, although all other queues have it. Such an event is not published again: it goes
directly to each of our own queues that subscribe to it, and nowhere else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection, DeliveryMode
from aiormq.channel import Channel
from aiormq.exceptions import DeliveryError, PublishError

from shared.contracts.events import Event, subject_of
from shared.contracts.topology import EVENTS, legacy_route, queues_of
from shared.messaging import cloud_events
from shared.messaging.batched_channel import BatchedChannel
from shared.messaging.broker import connected, declare_topology
from shared.messaging.envelope import for_direct_exchanges
from shared.messaging.refusals import Refusals
from shared.tracing import publishing

log = structlog.get_logger()

CONFIRM_SECONDS = 5.0
_PROBE_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 30.0


class NoAnswerError(Exception):
    """The broker answers nothing: the connection is as good as lost."""


class NoQueueError(Exception):
    """A service of ours subscribes to the event, and has no queue."""


class Publisher:
    """One connection, with a channel for each kind of destination."""

    def __init__(
        self,
        *,
        topic: BatchedChannel,
        direct: BatchedChannel,
        own: BatchedChannel,
        refusals: Refusals,
        public_url: str,
        confirm_seconds: float = CONFIRM_SECONDS,
    ) -> None:
        self._topic = topic
        self._direct = direct
        self._own = own  # aiormq matches returned messages by their id, so each copy has a channel
        self._refusals = refusals
        self._public_url = public_url
        self._confirm_seconds = confirm_seconds
        self._last_of: dict[str, asyncio.Task[None]] = {}  # by user
        self._silent: set[tuple[str, str]] = set()  # routes with a queue that does not confirm
        self._late: set[asyncio.Task[None]] = set()

    async def publish(
        self, events: Sequence[tuple[Event, bytes]], delivered: Callable[[Event], None]
    ) -> None:
        """Publishes the events, those of one user in their order and after those of earlier calls.

        Calls `delivered` with each event that needs no further work: every queue of ours that
        subscribes to it has it, and other queues have it or refused it. Returns when all are
        delivered. Waits for as long as one of our own queues refuses an event, or the broker blocks
        the connection.

        Raises `NoAnswerError`, `NoQueueError`, or what aiormq raises when the connection is lost.
        """
        chains: dict[str, list[tuple[Event, bytes]]] = {}
        for event, body in events:
            user = subject_of(event.record) or str(event.record.get("target_uid") or "")
            chains.setdefault(user, []).append((event, body))
        tasks = [self._begin(user, chain, delivered) for user, chain in chains.items()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(
        self, user: str, events: Sequence[tuple[Event, bytes]], delivered: Callable[[Event], None]
    ) -> "asyncio.Task[None]":
        """Publishes events of a user when those of earlier calls are done."""
        earlier = self._last_of.get(user)
        task = asyncio.create_task(self._publish_in_order(earlier, events, delivered))
        self._last_of[user] = task

        def forget(_: object) -> None:
            if self._last_of.get(user) is task:
                del self._last_of[user]

        task.add_done_callback(forget)
        return task

    async def _publish_in_order(
        self,
        earlier: "asyncio.Task[None] | None",
        events: Sequence[tuple[Event, bytes]],
        delivered: Callable[[Event], None],
    ) -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
            earlier.result()  # nothing overtakes an event that failed
        for event, body in events:
            with publishing(event) as traced:
                await self._publish(traced, body)
            delivered(event)

    async def _publish(self, event: Event, body: bytes) -> None:
        queues = queues_of(event.name)
        properties = as_message(event, body, self._public_url).properties.marshal()
        message = _Message(str(event.id), event.name, body, properties)
        legacy = replace(message, body=for_direct_exchanges(body))
        topic, direct = (EVENTS, event.name), legacy_route(event.name)
        on_topic = _sent(self._topic, topic, message, mandatory=bool(queues))
        on_direct = _sent(self._direct, direct, legacy)
        try:
            if not await self._all_have(on_topic, topic):
                await asyncio.gather(*(self._insist(queue, message) for queue in queues))
            await self._all_have(on_direct, direct)
        except BaseException:
            on_topic.cancel()
            on_direct.cancel()
            raise

    async def _all_have(self, sent: "asyncio.Future[Any]", route: tuple[str, str]) -> bool:
        """Whether all queues have a message that went to an exchange to which others bind queues.

        A missing confirm is waited for once. Until that route confirms again, its events do not
        wait.
        """
        if route in self._silent and not sent.done():
            self._keep(self._hear_late(sent, route))
            return False
        if await self._answered(sent):
            return True
        if sent.done():
            self._refusals.note(*route)
        else:
            self._silent.add(route)
            self._keep(self._hear_late(sent, route))
        return False

    async def _insist(self, queue: str, message: "_Message") -> None:
        """Publishes to a queue of ours until it has the event, with growing delays."""
        delay = _FIRST_DELAY
        while True:
            sent = _sent(self._own, ("", queue), message, mandatory=True)
            try:
                # Not sent again while the broker has it: it would only be there twice.
                while not (taken := await self._answered(sent)) and not sent.done():
                    pass
            finally:
                sent.cancel()
            if taken:
                return
            self._refusals.note(queue, message.name)
            log.warning("own_queue_refuses", queue=queue, retry_seconds=delay)
            await asyncio.sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    async def _answered(self, sent: "asyncio.Future[Any]") -> bool:
        """Whether the broker confirmed; false when it refused, or is silent about this message.

        Raises `NoAnswerError` when it is silent about everything. While it blocks the connection,
        no time passes.
        """
        waited = 0.0
        if sent.done():
            return _taken(sent)
        while waited < self._confirm_seconds:
            await asyncio.wait([sent], timeout=_LOOK_SECONDS)
            if sent.done():
                return _taken(sent)
            if not self._refusals.blocked:
                waited += _LOOK_SECONDS
        await self._probe()
        return sent.done() and _taken(sent)

    async def _probe(self) -> None:
        try:
            await self._own.probe(_PROBE_SECONDS)
        except TimeoutError:
            if not self._refusals.blocked:
                raise NoAnswerError from None

    async def _hear_late(self, sent: "asyncio.Future[Any]", route: tuple[str, str]) -> None:
        """Trusts the route again if it answers in time."""
        try:
            await asyncio.wait([sent], timeout=self._confirm_seconds)
            if sent.done() and not sent.cancelled():
                if sent.exception():
                    self._refusals.note(*route)
                self._silent.discard(route)
            else:
                self._refusals.note(*route)
        finally:
            sent.cancel()

    @asynccontextmanager
    async def waiting_for_late_answers(self) -> AsyncIterator[None]:
        """At the end of the block nobody waits for late answers any more."""
        try:
            yield
        finally:
            for task in tuple(self._late):
                task.cancel()
            await asyncio.gather(*self._late, return_exceptions=True)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._late.add(task)
        task.add_done_callback(self._late.discard)


def as_message(event: Event, body: bytes, public_url: str) -> aio_pika.Message:
    """The message of an event, whose signed body is `body`; see `cloud_events.headers`."""
    return aio_pika.Message(
        body,
        content_type="application/jose+json",
        delivery_mode=DeliveryMode.PERSISTENT,
        headers=dict(cloud_events.headers(event, public_url)),
        message_id=str(event.id),
        type=event.name,
    )


@dataclass(frozen=True, slots=True)
class _Message:
    """An event's message; `properties` are marshalled once for all its copies."""

    id: str
    name: str
    body: bytes = field(repr=False)
    properties: bytes = field(repr=False)


def _sent(
    channel: BatchedChannel, route: tuple[str, str], message: _Message, *, mandatory: bool = False
) -> "asyncio.Future[Any]":
    """The confirm of a message that goes to an exchange with a routing key."""
    exchange, key = route
    return channel.publish(
        message.body,
        message.properties,
        message.id,
        exchange=exchange,
        key=key,
        mandatory=mandatory,
    )


def _taken(sent: "asyncio.Future[Any]") -> bool:
    """Whether the broker confirmed or refused; raises what ended the connection."""
    if sent.cancelled():
        raise NoAnswerError
    error = sent.exception()
    if isinstance(error, PublishError):
        raise NoQueueError
    if error is not None and not isinstance(error, DeliveryError):
        raise error
    return error is None


@asynccontextmanager
async def publisher(
    url: str,
    name: str,
    refusals: Refusals,
    public_url: str,
    *,
    confirm_seconds: float = CONFIRM_SECONDS,
) -> AsyncIterator[Publisher]:
    """A publisher for the time of the block; it declares exchanges and queues first.

    `public_url`: see `cloud_events.headers`. `confirm_seconds`: how long a confirm may be missing
    while the broker answers otherwise.
    """
    async with connected(url, name) as connection:
        await declare_topology(await connection.channel())
        topic, direct, own = [await _channel(connection) for _ in range(3)]
        made = Publisher(
            topic=topic,
            direct=direct,
            own=own,
            refusals=refusals,
            public_url=public_url,
            confirm_seconds=confirm_seconds,
        )
        async with refusals.watched(connection), made.waiting_for_late_answers():
            yield made


async def _channel(connection: AbstractConnection) -> BatchedChannel:
    channel = await connection.channel(on_return_raises=True)
    return BatchedChannel(cast(Channel, await channel.get_underlay_channel()))
