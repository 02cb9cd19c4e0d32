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
        batch = await self._outbox.unpublished(connection, BATCH, BATCH_BYTES)
        signing = self._signing(batch)
        try:
            while batch:
                bodies = await signing
                publishing = self._publishing(publisher, batch, bodies)
                try:
                    positions = [position for position, _ in batch]
                    batch = await self._outbox.unpublished(
                        connection, BATCH, BATCH_BYTES, positions
                    )
                    signing = self._signing(batch)  # while the broker confirms
                    await self._delivered(connection, *publishing)
                finally:
                    await _ended(publishing[0])
                if not batch or self._measured_for() > self._poll_seconds:
                    await self._measure(connection)
        finally:
            await _ended(signing)
        if time.monotonic() - self._pruned > PRUNE_SECONDS:
            await self._outbox.prune(connection)
            await forget_old(connection)
            self._pruned = time.monotonic()

    def _signing(self, batch: Sequence[tuple[int, Event]]) -> "asyncio.Task[list[bytes]]":
        return asyncio.create_task(self._sign([event for _, event in batch]))

    async def _sign(self, events: Sequence[Event]) -> list[bytes]:
        return await self._signer.sign(events) if events else []

    def _publishing(
        self, publisher: Publisher, batch: Sequence[tuple[int, Event]], bodies: Sequence[bytes]
    ) -> "tuple[asyncio.Task[None], list[int]]":
        """Begins to publish a batch; the list grows by the positions of what is delivered."""
        positions = {event.id: position for position, event in batch}
        delivered: list[int] = []
        events = [event for _, event in batch]
        publishing = publisher.publish(
            list(zip(events, bodies, strict=True)),
            lambda event: delivered.append(positions[event.id]),
        )
        return asyncio.create_task(publishing), delivered

    async def _delivered(
        self, connection: Any, publishing: "asyncio.Task[None]", delivered: list[int]
    ) -> None:
        """Marks what is delivered of a batch, though a part of it may have to wait."""
        progressed = time.monotonic()
        while True:
            await asyncio.wait([publishing], timeout=self._poll_seconds)
            over = publishing.done()
            if marked := tuple(delivered):
                await self._outbox.mark_published(connection, marked)
                self._published.inc(len(marked))
                del delivered[: len(marked)]
                progressed = time.monotonic()
            if over:
                return publishing.result()
            if time.monotonic() - progressed > STUCK_SECONDS:
                raise StuckError
            await self._measure(connection)

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


async def _ended(task: "asyncio.Task[Any]") -> None:
    """Returns when the task is over, cancelled if need be."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


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
