"""The relay: publishes a service's outbox in order, one relay at a time."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from shared.contracts.events import Event
from shared.database.pool import Database
from shared.messaging.envelope import EventSigner
from shared.messaging.inbox import forget_old
from shared.messaging.outbox import Backlog, Outbox
from shared.messaging.publisher import Publisher

log = structlog.get_logger()

BATCH = 100
BATCH_BYTES = 4 * 1024 * 1024
POLL_SECONDS = 1.0  # finds events whose notification was lost
PRUNE_SECONDS = 3600.0
STUCK_SECONDS = 600.0


class StuckError(Exception):
    """Nothing of a batch was delivered for ten minutes: it begins anew, on another connection."""


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
                while True:
                    self._wake.clear()
                    await self._drain(connection, publisher)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._poll_seconds):
                            await self._wake.wait()

    async def _become_leader(self, connection: Any) -> None:
        """Returns with the lock, which PostgreSQL releases when this connection ends.

        Meanwhile the leader reports the backlog.
        """
        while not await connection.fetchval(
            "SELECT pg_try_advisory_lock(hashtextextended('relay:' || current_schema(), 0))"
        ):
            self._backlog = Backlog(0, None)
            await asyncio.sleep(self._poll_seconds)

    async def _drain(self, connection: Any, publisher: Publisher) -> None:
        while batch := await self._outbox.unpublished(connection, BATCH, BATCH_BYTES):
            await self._publish(connection, publisher, batch)
            await self._measure(connection)
        if time.monotonic() - self._pruned > PRUNE_SECONDS:
            await self._outbox.prune(connection)
            await forget_old(connection)
            self._pruned = time.monotonic()

    async def _publish(
        self, connection: Any, publisher: Publisher, batch: Sequence[tuple[int, Event]]
    ) -> None:
        """Publishes a batch; marks what is delivered, though a part of it may have to wait."""
        events = [event for _, event in batch]
        positions = {event.id: position for position, event in batch}
        delivered: list[int] = []
        bodies = await self._signer.sign(events)
        publishing = asyncio.create_task(
            publisher.publish(
                list(zip(events, bodies, strict=True)),
                lambda event: delivered.append(positions[event.id]),
            )
        )
        progressed = time.monotonic()
        try:
            while True:
                await asyncio.wait([publishing], timeout=self._poll_seconds)
                if delivered:
                    await self._outbox.mark_published(connection, delivered)
                    self._published.inc(len(delivered))
                    delivered.clear()
                    progressed = time.monotonic()
                if publishing.done():
                    return publishing.result()
                if time.monotonic() - progressed > STUCK_SECONDS:
                    raise StuckError
                await self._measure(connection)
        finally:
            publishing.cancel()
            await asyncio.gather(publishing, return_exceptions=True)

    async def _measure(self, connection: Any) -> None:
        self._backlog = await self._outbox.backlog(connection)

    def _waits(self) -> float:
        """The age of the oldest event, which grows while the outbox cannot be read, too."""
        oldest = self._backlog.oldest
        return (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0

    def _notified(self, *_: object) -> None:
        self._wake.set()
