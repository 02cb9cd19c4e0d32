"""Receives events: acknowledges handled ones, retries failed ones, then makes dead letters."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, DeliveryMode

from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import RETRY_SECONDS, Subscription
from shared.errors import Unavailable
from shared.messaging.broker import close_when_cancelled, connected, declare_topology
from shared.messaging.envelope import UntrustedEventError
from shared.messaging.inbox import Reaction
from shared.messaging.lag import Lag, QueueMetrics
from shared.tracing import TRACEPARENT, processing

log = structlog.get_logger()

ATTEMPT_HEADER = "x-attempt"
REASON_HEADER = "x-reason"
_PREFETCH = 10  # a lost connection counts as a delivery of every event that was fetched ahead
LONGEST_WAIT = 10.0


class _ConnectionLostError(Exception):
    """The event will be delivered again, on another connection."""


class Opener(Protocol):
    """Verifies messages."""

    async def open(self, body: bytes) -> ReceivedEvent:
        """The event; raises `UntrustedEventError`, or `Unavailable` while it cannot verify."""
        ...


class Subscriber:
    """The durable queue of one service, read one event at a time."""

    def __init__(
        self,
        url: str,
        subscription: Subscription,
        verifier: Opener,
        reactions: Mapping[str, Reaction],
        metrics: QueueMetrics,
        *,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        """`longest_wait` is the longest delay, in seconds, while a dependency is down."""
        if set(reactions) != {*subscription.events, *subscription.direct}:
            raise ValueError(f"{subscription.queue}: reactions and subscribed events differ")
        self._url = url
        self._subscription = subscription
        self._verifier = verifier
        self._reactions = reactions
        self._longest_wait = longest_wait
        self._consuming = False
        self._handled = metrics.handled
        self._lag = Lag(subscription, metrics)

    async def check(self) -> None:
        """Readiness: raises `Unavailable` while the queue is not read."""
        if not self._consuming:
            raise Unavailable("rabbitmq")

    async def run(self) -> None:
        """Reads the queue until the connection is lost."""
        async with connected(self._url, self._subscription.queue) as connection:
            channel = await connection.channel(on_return_raises=True)
            await declare_topology(channel)
            await close_when_cancelled(channel)
            await channel.set_qos(prefetch_count=_PREFETCH)
            queue = await channel.get_queue(self._subscription.queue, ensure=False)
            self._consuming = True
            try:
                async with self._lag.watched(connection), queue.iterator() as messages:
                    async for message in messages:
                        queue_name = self._subscription.queue
                        with processing(queue_name, message.message_id, message.headers):
                            await self._handle(channel, message)
            finally:
                self._consuming = False

    async def _handle(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        self._lag.received()
        try:
            await self._react(channel, message)
            outcome = "done"
        except _ConnectionLostError:
            raise
        except UntrustedEventError as error:
            outcome = await self._set_aside(channel, message, f"untrusted: {error}")
        except Exception as error:
            log.exception("event_failed", event_name=message.type, event_id=message.message_id)
            outcome = await self._try_later(channel, message, type(error).__name__)
        finally:
            self._lag.left()
        await message.ack()
        name = message.type if message.type in self._reactions else "unknown"
        self._handled.labels(self._subscription.queue, name, outcome).inc()

    async def _react(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        """Reacts; while a dependency is down, it waits and retries, for the event is not at fault.

        Raises `_ConnectionLostError` when the broker has taken the event back meanwhile.
        """
        delay = 0.1
        while True:
            try:
                event = await self._verifier.open(message.body)
                self._lag.opened(event)
                reaction = self._reactions.get(event.name)
                if reaction is not None:
                    with structlog.contextvars.bound_contextvars(event_id=str(event.id)):
                        await reaction(event)
                self._lag.done(event)
                return
            except Unavailable as error:
                log.warning("event_waits", dependency=error.dependency, retry_seconds=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, self._longest_wait)
            if channel.is_closed:
                raise _ConnectionLostError

    async def _try_later(
        self, channel: AbstractChannel, message: AbstractIncomingMessage, reason: str
    ) -> str:
        attempt = message.headers.get(ATTEMPT_HEADER, 0)
        if not isinstance(attempt, int) or attempt not in range(len(RETRY_SECONDS)):
            return await self._set_aside(channel, message, reason)
        queue = self._subscription.retry(RETRY_SECONDS[attempt])
        await _copy(channel, message, queue, {ATTEMPT_HEADER: attempt + 1, REASON_HEADER: reason})
        return "retried"

    async def _set_aside(
        self, channel: AbstractChannel, message: AbstractIncomingMessage, reason: str
    ) -> str:
        queue, life = self._subscription.dead_letters, self._subscription.dead_letter_life
        await _copy(channel, message, queue, {REASON_HEADER: reason}, life)
        log.error("event_dead", event_name=message.type, event_id=message.message_id, reason=reason)
        return "dead"


async def _copy(
    channel: AbstractChannel,
    message: AbstractIncomingMessage,
    queue: str,
    headers: Mapping[str, str | int],
    life: timedelta | None = None,
) -> None:
    """Copies the message to another queue of ours, for good or for the time of `life`.

    Returns when the broker has confirmed it.
    """
    carried = {TRACEPARENT: message.headers[TRACEPARENT]} if TRACEPARENT in message.headers else {}
    copy = aio_pika.Message(
        message.body,
        headers={**carried, **headers},
        content_type=message.content_type,
        delivery_mode=DeliveryMode.PERSISTENT,
        expiration=life,
        message_id=message.message_id,
        type=message.type,
    )
    await channel.default_exchange.publish(copy, queue, mandatory=True, timeout=30)
