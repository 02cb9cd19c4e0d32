"""The relay: publishes a service's outbox in order, one relay at a time."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from shared.contracts.events import Event
from shared.database.pool import Database
from shared.messaging.envelope import EventSigner
from shared.messaging.inbox import forget_old
from shared.messaging.outbox import Backlog, Outbox
from shared.messaging.publisher import Publisher, publisher
from shared.messaging.refusals import Refusals, management_api
from shared.settings import PublicServiceSettings

log = structlog.get_logger()

BATCH = 100
BATCH_BYTES = 4 * 1024 * 1024
MOST_UNDER_WAY = 2 * BATCH
"""Events that are published again at most, if the relay or a connection dies."""
POLL_SECONDS = 1.0  # finds events whose notification was lost
PRUNE_SECONDS = 3600.0
STUCK_SECONDS = 600.0


class StuckError(Exception):
    """Nothing was delivered for ten minutes: it begins anew, on another connection."""


class Relay:
    """Reads the outbox of one schema, signs events, publishes them, and only then marks them.

    If the relay crashes between two steps, the events are published again: delivery is at least
    once.
    """

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        signer: EventSigner,
        publisher: Callable[[], AbstractAsyncContextManager[Publisher]],
        registry: CollectorRegistry,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._signer = signer
        self._publisher = publisher
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()
        self._pruned = time.monotonic()
        self._published = Counter("outbox_published", "Events published.", registry=registry)
        self._backlog = Backlog(0, None)
        self._measured = float("-inf")
        Gauge("outbox_backlog", "Events that wait.", registry=registry).set_function(
            lambda: self._backlog.events
        )
        Gauge(
            "outbox_oldest_seconds", "How long the oldest of them waits.", registry=registry
        ).set_function(self._waits)

    async def run(self) -> None:
        """Waits until it is the leader, and publishes until a connection is lost."""
        async with self._database.dedicated() as connection:
            await self._become_leader(connection)
            await connection.add_listener(f"outbox_{self._database.schema}", self._notified)
            await self._measure(connection)  # the metric is right though the broker may be away
            async with self._publisher() as publisher:
                log.info("relay_leads", schema=self._database.schema)
                await self._publish_forever(connection, publisher)

    async def _become_leader(self, connection: Any) -> None:
        """Returns with the lock, which PostgreSQL releases when this connection ends.

        Meanwhile the leader reports the backlog.
        """
        while not await connection.fetchval(
            "SELECT pg_try_advisory_lock(hashtextextended('relay:' || current_schema(), 0))"
        ):
            self._backlog = Backlog(0, None)
            await asyncio.sleep(self._poll_seconds)

    async def _publish_forever(self, connection: Any, publisher: Publisher) -> None:
        """Publishes batches, without waiting for the confirms of those before.

        Raises `Unavailable` when nobody signs, `StuckError`, and what `Publisher.publish` and
        asyncpg raise.
        """
        batches = _UnderWay(publisher, self._wake)
        try:
            while True:
                self._wake.clear()
                batch = await self._next(connection, batches)
                if batch:
                    bodies = await self._signer.sign([event for _, event in batch])
                    batches.publish(batch, bodies)
                batches.check()
                if marked := tuple(batches.delivered):
                    await self._outbox.mark_published(connection, marked)
                    self._published.inc(len(marked))
                    batches.forget(marked)
                if self._measured_for() > self._poll_seconds or not (batch or batches.positions):
                    await self._measure(connection)
                if not batch:
                    await self._prune(connection)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._poll_seconds):
                            await self._wake.wait()
        finally:
            await batches.end()

    async def _next(self, connection: Any, batches: "_UnderWay") -> list[tuple[int, Event]]:
        """The next batch; empty if nothing waits, or so much is under way already."""
        if len(batches.positions) > MOST_UNDER_WAY - BATCH:
            return []
        return await self._outbox.unpublished(
            connection, BATCH, BATCH_BYTES, tuple(batches.positions)
        )

    async def _prune(self, connection: Any) -> None:
        if time.monotonic() - self._pruned > PRUNE_SECONDS:
            await self._outbox.prune(connection)
            await forget_old(connection)
            self._pruned = time.monotonic()

    async def _measure(self, connection: Any) -> None:
        self._backlog = await self._outbox.backlog(connection)
        self._measured = time.monotonic()

    def _measured_for(self) -> float:
        """The seconds since the backlog was counted, which reads all of it."""
        return time.monotonic() - self._measured

    def _waits(self) -> float:
        """The age of the oldest event, which grows while the outbox cannot be read, too."""
        oldest = self._backlog.oldest
        return (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0

    def _notified(self, *_: object) -> None:
        self._wake.set()


class _UnderWay:
    """The batches that are being published, and what of them is delivered and not yet marked."""

    def __init__(self, publisher: Publisher, wake: asyncio.Event) -> None:
        self.positions: set[int] = set()
        self.delivered: list[int] = []
        self._publisher = publisher
        self._wake = wake
        self._tasks: set[asyncio.Task[None]] = set()
        self._progressed = time.monotonic()

    def publish(self, batch: Sequence[tuple[int, Event]], bodies: Sequence[bytes]) -> None:
        """Begins to publish a batch; `delivered` grows by its positions."""
        if not self.positions:
            self._progressed = time.monotonic()
        positions = {event.id: position for position, event in batch}
        self.positions.update(positions.values())
        events = [event for _, event in batch]

        def note(event: Event) -> None:
            self.delivered.append(positions[event.id])
            self._wake.set()

        publishing = self._publisher.publish(list(zip(events, bodies, strict=True)), note)
        task = asyncio.create_task(publishing)
        task.add_done_callback(lambda _: self._wake.set())
        self._tasks.add(task)

    def check(self) -> None:
        """Raises what interrupted a batch, or `StuckError`."""
        for task in [each for each in self._tasks if each.done()]:
            self._tasks.remove(task)
            task.result()
        if self.positions and time.monotonic() - self._progressed > STUCK_SECONDS:
            raise StuckError

    def forget(self, marked: Sequence[int]) -> None:
        """These are marked."""
        del self.delivered[: len(marked)]
        self.positions.difference_update(marked)
        self._progressed = time.monotonic()

    async def end(self) -> None:
        """Returns when nothing is published any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def build_relay(
    service: str,
    settings: PublicServiceSettings,
    database: Database,
    outbox: Outbox,
    signer: EventSigner,
    registry: CollectorRegistry,
) -> Relay:
    """The relay of a service."""
    api = management_api(settings.rabbitmq_management_url, settings.broker_url)
    connect = partial(
        publisher,
        settings.broker_url,
        f"{service} relay",
        Refusals(registry, api),
        settings.public_url,
    )
    return Relay(database, outbox, signer, connect, registry)
