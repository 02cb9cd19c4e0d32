"""How far a service lags behind its queues: the same metrics for every queue."""

import asyncio
import math
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from aio_pika.abc import AbstractChannel, AbstractConnection
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import RETRY_SECONDS, Subscription
from shared.messaging.supervision import supervised

_POLL_SECONDS = 2.0
_AGES = (1, 2, 5, 10, 30, 60, 300, 1800, 3600, 86_400)


class QueueMetrics:
    """The metrics of all queues that one service reads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.handled = Counter(
            "events_handled",
            "Events taken from the queue, by what became of them.",
            ("queue", "event", "outcome"),
            registry=registry,
        )
        self.age = Histogram(
            "queue_event_age_seconds",
            "Time from an event's signature to its effect.",
            ("queue",),
            registry=registry,
            buckets=_AGES,
        )

        def gauge(name: str, meaning: str) -> Gauge:
            return Gauge(name, f"{meaning}; NaN without a broker.", ("queue",), registry=registry)

        self.lag = gauge("queue_lag_seconds", "Age of the oldest event without its effect")
        self.waiting = gauge("queue_waiting_events", "Events in the queue")
        self.retrying = gauge("queue_retrying_events", "Events that failed and rest")
        self.dead = gauge("queue_dead_letters", "Events that were set aside")


class Lag:
    """The lag of one queue, as its subscriber measures it.

    Events come roughly in the order in which they were issued: those that wait are not much older
    than the event under way or, between two, than the newest that was handled.
    """

    def __init__(self, subscription: Subscription, metrics: QueueMetrics) -> None:
        self._subscription = subscription
        self._at_work: datetime | None = None
        self._reached: datetime | None = None
        self._some_wait: bool | None = None
        queue = subscription.queue
        self._age = metrics.age.labels(queue)
        self._waiting = metrics.waiting.labels(queue)
        self._retrying = metrics.retrying.labels(queue)
        self._dead = metrics.dead.labels(queue)
        self._nothing_known()
        metrics.lag.labels(queue).set_function(self.seconds)

    def seconds(self) -> float:
        """The lag now; 0 when nothing waits. Events that wait for a retry are not in it."""
        if self._some_wait is None:
            return math.nan
        since = self._at_work or (self._reached if self._some_wait else None)
        return _age(since) if since else 0.0

    def received(self) -> None:
        """An event is there to handle; its age is unknown before it is opened."""
        self._at_work = datetime.now(UTC)

    def opened(self, event: ReceivedEvent) -> None:
        """The event is opened."""
        self._at_work = event.issued_at

    def done(self, event: ReceivedEvent) -> None:
        """The event has had its effect."""
        self._reached = max(self._reached or event.issued_at, event.issued_at)
        self._age.observe(_age(event.issued_at))

    def left(self) -> None:
        """The event is no longer under way, whatever its outcome."""
        self._at_work = None

    def watched(self, connection: AbstractConnection) -> AbstractAsyncContextManager[None]:
        """Measures the queues for the time of the block, on a channel of its own."""
        return supervised(f"{self._subscription.queue} lag", lambda: self._look(connection))

    async def _look(self, connection: AbstractConnection) -> None:
        subscription = self._subscription
        try:
            channel = await connection.channel()
            while True:
                waiting = await _messages(channel, subscription.queue)
                resting = [await _messages(channel, subscription.retry(s)) for s in RETRY_SECONDS]
                self._dead.set(await _messages(channel, subscription.dead_letters))
                self._retrying.set(sum(resting))
                self._waiting.set(waiting)
                self._some_wait = waiting > 0
                await asyncio.sleep(_POLL_SECONDS)
        finally:
            self._nothing_known()

    def _nothing_known(self) -> None:
        self._some_wait = None
        for gauge in (self._waiting, self._retrying, self._dead):
            gauge.set(math.nan)


async def _messages(channel: AbstractChannel, queue: str) -> int:
    declared = await channel.declare_queue(queue, passive=True)
    return declared.declaration_result.message_count or 0


def _age(moment: datetime) -> float:
    return max((datetime.now(UTC) - moment).total_seconds(), 0.0)
