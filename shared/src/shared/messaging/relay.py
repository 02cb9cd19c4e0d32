"""The relay: publishes a service's outbox in order, one relay at a time."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
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
MOST_AHEAD = 2
"""Batches that are read before they can be published."""
MARKED_TOGETHER = BATCH // 2
"""Delivered events that are worth a transaction while others are being signed."""
POLL_SECONDS = 1.0  # finds events whose notification was lost
PRUNE_SECONDS = 3600.0
STUCK_SECONDS = 600.0


Batch = Sequence[tuple[int, Event]]
"""Events with their positions in the outbox."""

Signed = Sequence[tuple[int, Event, bytes]]
"""Events with their positions, and the bodies of their messages."""


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
        self._may_wait = True  # whether the outbox may have events that were not read
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
        """Reads a batch while the one before is signed and those before that are published.

        Raises `Unavailable` when nobody signs, `StuckError`, and what `Publisher.publish` and
        asyncpg raise.
        """
        ahead = _Ahead(self._signer, self._wake)
        batches = _UnderWay(publisher, self._wake)
        self._may_wait = True
        try:
            while True:
                self._wake.clear()
                while batches.have_room and (signed := ahead.take_signed()):
                    batches.publish(signed)
                batches.check()
                if self._may_wait and ahead.has_room:
                    await self._read(connection, ahead, batches)
                if batches.delivered and (
                    not ahead.is_signing or len(batches.delivered) >= MARKED_TOGETHER
                ):
                    await self._mark(connection, batches)
                if not (self._may_wait or ahead.positions or batches.positions):
                    self._set_backlog(Backlog(0, None))
                elif self._measured_for() > self._poll_seconds:
                    await self._measure(connection)
                if not (self._may_wait and ahead.has_room):
                    await self._prune(connection)
                    await self._rest()
        finally:
            await ahead.end()
            await batches.end()

    async def _read(self, connection: Any, ahead: "_Ahead", batches: "_UnderWay") -> None:
        self._may_wait = False  # unless a notification comes meanwhile
        taken = (*ahead.positions, *batches.positions)
        if batch := await self._outbox.unpublished(connection, BATCH, BATCH_BYTES, taken):
            ahead.add(batch)
            self._may_wait = True

    async def _rest(self) -> None:
        """Returns when there is something to do, or it is time to look for it."""
        try:
            async with asyncio.timeout(self._poll_seconds):
                await self._wake.wait()
        except TimeoutError:
            self._may_wait = True

    async def _mark(self, connection: Any, batches: "_UnderWay") -> None:
        marked = tuple(batches.delivered)
        await self._outbox.mark_published(connection, marked)
        self._published.inc(len(marked))
        batches.forget(marked)

    async def _prune(self, connection: Any) -> None:
        if time.monotonic() - self._pruned > PRUNE_SECONDS:
            await self._outbox.prune(connection)
            await forget_old(connection)
            self._pruned = time.monotonic()

    async def _measure(self, connection: Any) -> None:
        self._set_backlog(await self._outbox.backlog(connection))

    def _set_backlog(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._measured = time.monotonic()

    def _measured_for(self) -> float:
        """The seconds since the backlog was counted, which reads all of it."""
        return time.monotonic() - self._measured

    def _waits(self) -> float:
        """The age of the oldest event, which grows while the outbox cannot be read, too."""
        oldest = self._backlog.oldest
        return (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0

    def _notified(self, *_: object) -> None:
        self._may_wait = True
        self._wake.set()


class _Ahead:
    """Batches that are read and not yet published: one is signed while the next one waits."""

    def __init__(self, signer: EventSigner, wake: asyncio.Event) -> None:
        self._signer = signer
        self._wake = wake
        self._turn = asyncio.Lock()
        self._batches: deque[tuple[Batch, asyncio.Task[Signed]]] = deque()

    @property
    def positions(self) -> list[int]:
        """Where these events stand in the outbox."""
        return [position for batch, _ in self._batches for position, _ in batch]

    @property
    def has_room(self) -> bool:
        """Whether another batch may be read.

        What is written while a small batch is signed makes one batch.
        """
        if len(self._batches) < 1:
            return True
        return len(self._batches) < MOST_AHEAD and len(self._batches[-1][0]) >= BATCH

    @property
    def is_signing(self) -> bool:
        """Whether signatures are being made."""
        return any(not task.done() for _, task in self._batches)

    def add(self, batch: Batch) -> None:
        """Signs the batch after those before."""
        task = asyncio.create_task(self._sign(batch))
        task.add_done_callback(lambda _: self._wake.set())
        self._batches.append((batch, task))

    def take_signed(self) -> Signed:
        """The oldest batch; empty while it is not signed. Raises what the signer raises."""
        if not self._batches or not self._batches[0][1].done():
            return ()
        _, task = self._batches.popleft()
        return task.result()

    async def end(self) -> None:
        """Returns when nothing is signed any more."""
        tasks = [task for _, task in self._batches]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _sign(self, batch: Batch) -> Signed:
        async with self._turn:  # which is given in the order in which it is asked for
            bodies = await self._signer.sign([event for _, event in batch])
        return [(*each, body) for each, body in zip(batch, bodies, strict=True)]


class _UnderWay:
    """The batches that are being published, and what of them is delivered and not yet marked."""

    def __init__(self, publisher: Publisher, wake: asyncio.Event) -> None:
        self.positions: set[int] = set()
        self.delivered: list[int] = []
        self._publisher = publisher
        self._wake = wake
        self._tasks: set[asyncio.Task[None]] = set()
        self._progressed = time.monotonic()

    @property
    def have_room(self) -> bool:
        """Whether another batch may be published."""
        return len(self.positions) <= MOST_UNDER_WAY - BATCH

    def publish(self, batch: Signed) -> None:
        """Begins to publish a batch; `delivered` grows by its positions."""
        if not self.positions:
            self._progressed = time.monotonic()
        positions = {event.id: position for position, event, _ in batch}
        self.positions.update(positions.values())

        def note(event: Event) -> None:
            self.delivered.append(positions[event.id])
            self._wake.set()

        publishing = self._publisher.publish([(event, body) for _, event, body in batch], note)
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
        self._wake.set()  # there may be room for a batch that is signed

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
