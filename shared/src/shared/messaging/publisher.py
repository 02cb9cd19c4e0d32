"""Publishes signed events, with confirms of the broker.

An event goes to the topic exchange and to a direct exchange, to which anybody may bind a queue. The
broker confirms a message when every queue has it, so that one full queue of somebody's makes it
refuse the message, although all other queues have it. Such an event is not published again: it goes
directly to each of our own queues that subscribe to it, and nowhere else.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection, DeliveryMode
from aiormq.channel import Channel
from aiormq.exceptions import DeliveryError, PublishError

from shared.contracts.events import Event, subject_of
from shared.contracts.topology import EVENTS, legacy_route, queues_of
from shared.messaging import cloud_events
from shared.messaging.batched_channel import BatchedChannel, properties
from shared.messaging.broker import connected, declare_topology
from shared.messaging.envelope import for_direct_exchanges
from shared.messaging.refusals import Refusals
from shared.tracing import publishing

log = structlog.get_logger()

CONFIRM_SECONDS = 5.0
PROBE_SECONDS = 5.0
_POLL_SECONDS = 0.5
_CONTENT_TYPE = "application/jose+json"
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
        probe_seconds: float = PROBE_SECONDS,
    ) -> None:
        self._topic = topic
        self._direct = direct
        self._own = own  # aiormq matches returned messages by their id, so each copy has a channel
        self._refusals = refusals
        self._public_url = public_url
        self._confirm_seconds = confirm_seconds
        self._probe_seconds = probe_seconds
        self._last_of: dict[str, asyncio.Future[Exception | None]] = {}  # by user
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
        chains = self._chains_of(events)
        tasks: list[asyncio.Task[None]] = []

        def go_on_alone(chain: _Chain) -> None:
            tasks.append(asyncio.create_task(self._publish_in_order(chain, delivered)))

        try:
            await self._publish_together(chains, delivered, go_on_alone)
            await asyncio.gather(*tasks)
        except BaseException as error:
            for chain in chains:
                chain.fail(error)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for chain in chains:
                if self._last_of.get(chain.user) is chain.end:
                    del self._last_of[chain.user]

    async def _publish_together(
        self,
        chains: Sequence["_Chain"],
        delivered: Callable[[Event], None],
        go_on_alone: Callable[["_Chain"], None],
    ) -> None:
        """Publishes the first event of each user, then the second of each, and so on.

        Nearly always the broker confirms all of them at once, and a task for each would take longer
        than the events themselves. A user goes on alone who has to wait for earlier events, whose
        event is not confirmed, or whose events have spans.
        """
        together: list[_Chain] = []
        for chain in chains:
            if chain.earlier is None and not chain.is_traced:
                together.append(chain)
            else:
                go_on_alone(chain)
        while together and not self._silent:
            await self._send_next_of(together)
            for chain in together:
                if chain.sent and chain.sent.is_confirmed:
                    chain.note(delivered)
                else:
                    go_on_alone(chain)
            together = [each for each in together if each.sent is None and each.events]
        for chain in together:
            go_on_alone(chain)

    def _chains_of(self, events: Sequence[tuple[Event, bytes]]) -> "Sequence[_Chain]":
        """The events of each user, which have to wait for those of earlier calls."""
        chains: dict[str, _Chain] = {}
        for event, body in events:
            user = subject_of(event.record) or str(event.record.get("target_uid") or "")
            chain = chains.get(user)
            if chain is None:
                chain = chains[user] = _Chain(user, self._last_of.get(user))
                self._last_of[user] = chain.end
            chain.events.append((event, body))
        return tuple(chains.values())

    async def _send_next_of(self, chains: Sequence["_Chain"]) -> None:
        """Sends the next event of each user, and waits a moment for all confirms."""
        for chain in chains:
            chain.sent = self._send(*chain.events.popleft())
        confirms = [each for chain in chains if chain.sent for each in chain.sent.on.values()]
        await asyncio.wait(confirms, timeout=_POLL_SECONDS)

    async def _publish_in_order(self, chain: "_Chain", delivered: Callable[[Event], None]) -> None:
        """Publishes what is left of a chain, one event after the other."""
        if chain.earlier is not None:
            await asyncio.wait([chain.earlier])
            if error := chain.earlier.result():
                raise error  # nothing overtakes an event that failed
        if chain.sent is not None:
            await self._settle(chain.sent)
            chain.note(delivered)
        while chain.events:
            event, body = chain.events.popleft()
            with publishing(event) as traced:
                chain.sent = self._send(traced, body)
                await self._settle(chain.sent)
            chain.note(delivered)

    def _send(self, event: Event, body: bytes) -> "_Sent":
        queues = queues_of(event.name)
        headers = cloud_events.headers(event, self._public_url)
        marshalled = properties(_CONTENT_TYPE, headers, str(event.id), event.name)
        message = _Message(str(event.id), event.name, body, marshalled)
        legacy = _Message(message.id, event.name, for_direct_exchanges(body), marshalled)
        topic, direct = (EVENTS, event.name), legacy_route(event.name)
        on_topic = _sent(self._topic, topic, message, mandatory=bool(queues))
        on_direct = _sent(self._direct, direct, legacy)
        return _Sent(event, message, queues, {topic: on_topic, direct: on_direct})

    async def _settle(self, sent: "_Sent") -> None:
        """Returns when the event needs no further work, as `publish` says."""
        (topic, on_topic), (direct, on_direct) = sent.on.items()
        if not await self._all_have(on_topic, topic):
            await asyncio.gather(*(self._insist(queue, sent.message) for queue in sent.queues))
        await self._all_have(on_direct, direct)

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
            await asyncio.wait([sent], timeout=_POLL_SECONDS)
            if sent.done():
                return _taken(sent)
            if not self._refusals.blocked:
                waited += _POLL_SECONDS
        await self._probe()
        return sent.done() and _taken(sent)

    async def _probe(self) -> None:
        try:
            await self._own.probe(self._probe_seconds)
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
        content_type=_CONTENT_TYPE,
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


@dataclass(frozen=True, slots=True)
class _Sent:
    """An event that is on its way to two exchanges: the confirm of each, by its route."""

    event: Event
    message: _Message
    queues: Sequence[str]
    """Our own that subscribe to it."""
    on: Mapping[tuple[str, str], "asyncio.Future[Any]"]
    """The topic exchange, then the direct one."""

    @property
    def is_confirmed(self) -> bool:
        """Whether all queues have it."""
        return all(
            each.done() and not each.cancelled() and each.exception() is None
            for each in self.on.values()
        )

    def cancel(self) -> None:
        """Nobody waits for its confirms any more."""
        for each in self.on.values():
            each.cancel()


class _Chain:
    """Events of a user in their order, and how those end that have to be published `earlier`."""

    def __init__(self, user: str, earlier: "asyncio.Future[Exception | None] | None") -> None:
        self.user = user
        self.earlier = earlier
        self.events: deque[tuple[Event, bytes]] = deque()
        self.sent: _Sent | None = None
        self.end: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    @property
    def is_traced(self) -> bool:
        """Whether there is an event whose publication has a span."""
        return any(event.traceparent is not None for event, _ in self.events)

    def note(self, delivered: Callable[[Event], None]) -> None:
        """The event that was sent needs no further work."""
        if self.sent is not None:
            delivered(self.sent.event)
        self.sent = None
        if not self.events:
            self.end.set_result(None)

    def fail(self, error: BaseException) -> None:
        """Nothing of it is published any more, nor what comes after it."""
        if self.sent is not None:
            self.sent.cancel()
        if not self.end.done():
            self.end.set_result(error if isinstance(error, Exception) else NoAnswerError())


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
    probe_seconds: float = PROBE_SECONDS,
) -> AsyncIterator[Publisher]:
    """A publisher for the time of the block; it declares exchanges and queues first.

    `public_url`: see `cloud_events.headers`. A confirm may be missing for `confirm_seconds` while
    the broker answers otherwise. After that, it may answer nothing for `probe_seconds`.
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
            probe_seconds=probe_seconds,
        )
        async with refusals.watched(connection), made.waiting_for_late_answers():
            yield made


async def _channel(connection: AbstractConnection) -> BatchedChannel:
    channel = await connection.channel(on_return_raises=True)
    return BatchedChannel(cast(Channel, await channel.get_underlay_channel()))
