"""Searching the archive of one service, and replaying events of it."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import (
    AMQPError,
    ChannelNotFoundEntity,
    DeliveryError,
    PublishError,
)
from prometheus_client import CollectorRegistry, Counter

from shared.archive import store
from shared.contracts.archive import (
    ArchivedEvent,
    EventFilter,
    NoQueue,
    NoReplay,
    Position,
    Replay,
    TooManyReplays,
)
from shared.database.partitions import MonthlyPartitions
from shared.database.pool import Database
from shared.errors import Unavailable
from shared.messaging.broker import connected
from shared.messaging.envelope import EventSigner
from shared.messaging.outbox import ARCHIVE
from shared.messaging.publisher import as_message
from shared.settings import PublicServiceSettings

log = structlog.get_logger()

MOST_RUNNING = 20
"""The number of replays of one service that run at a time."""

MOST_LISTED = 100

LONGEST_QUEUE = 255
"""In bytes; AMQP 0-9-1 has no longer names."""

BATCH_BYTES = 4 * 1024 * 1024

_BATCH = 100
_CONFIRM_SECONDS = 10.0
_TURN_SECONDS = 5.0  # with the last confirm it is less than PostgreSQL lets a transaction rest
_POLL_SECONDS = 2.0
_KEEP = timedelta(days=30)
_NO_QUEUE = "the queue does not exist"
_REFUSED = "the queue takes no events at present"


@dataclass(frozen=True, slots=True)
class EventArchive:
    """The events that a service published, for as many days as they are kept."""

    database: Database
    keep_days: int

    async def run(self) -> None:
        """Makes the months to come, and drops old ones, for as long as the service runs."""
        await MonthlyPartitions(self.database, ARCHIVE).run_and_drop(self.keep_days)

    async def list_newest(
        self, wanted: EventFilter, limit: int, before: Position | None = None
    ) -> list[ArchivedEvent]:
        """Events, the newest first; with `before`, those that were published before that place."""
        async with self.database.connection() as connection:
            return await store.select_newest(connection, wanted, limit, before)

    async def list_after(
        self, wanted: EventFilter, limit: int, after: Position | None
    ) -> list[ArchivedEvent]:
        """Events in the order of publication, after a place or from the beginning.

        Fewer than `limit` if they are large; none where no more follow.
        """
        async with self.database.connection() as connection:
            return await store.select_after(connection, wanted, after, limit, BATCH_BYTES)

    async def count(self, wanted: EventFilter, *, incomplete: bool, most: int) -> int:
        """The number of events that a replay would publish, but no more than `most`."""
        async with self.database.connection() as connection:
            return await store.count(connection, wanted, complete=not incomplete, most=most)


@dataclass(frozen=True, slots=True)
class Replays:
    """Publishes archived events again: signed anew, with their ids, to one queue each.

    Replays take turns. A turn locks its replay, publishes some events one after the other, and
    stores how far it came. Whatever crashes, another process goes on from there: events of the
    last turn may come twice. A queue that takes nothing is tried again later, and holds up no
    other replay.
    """

    database: Database
    signer: EventSigner
    broker_url: str
    connection_name: str
    rate: int
    """The largest number of events a second, for each replay."""
    public_url: str
    replayed: Counter = field(repr=False)
    refused_seconds: float = 5.0
    """How long a queue that takes nothing is left alone."""

    async def create(self, queue: str, wanted: EventFilter, *, incomplete: bool) -> Replay:
        """Begins a replay of events that were published up to now.

        Raises `NoQueue`, `TooManyReplays` or `Unavailable`.
        """
        await self._require_queue(queue)
        async with self.database.transaction() as connection:
            if await store.lock_replays(connection) >= MOST_RUNNING:
                raise TooManyReplays
            await store.delete_old_replays(connection, _KEEP)
            now = await store.wait_for_writers(connection)
            until = now if wanted.until is None else min(wanted.until, now)
            bounded = replace(wanted, until=until)
            return await store.insert_replay(connection, queue, bounded, incomplete=incomplete)

    async def list(self) -> Sequence[Replay]:
        """The replays that began last, the newest first, at most a hundred."""
        async with self.database.connection() as connection:
            return await store.select_replays(connection, MOST_LISTED)

    async def get(self, number: uuid.UUID) -> Replay:
        """The replay; raises `NoReplay`."""
        async with self.database.connection() as connection:
            found = await store.find_replay(connection, number)
        if found is None:
            raise NoReplay
        return found

    async def cancel(self, number: uuid.UUID) -> Replay:
        """Ends a replay that runs; no event of it is published after that.

        Raises `NoReplay` if it does not run.
        """
        async with self.database.transaction() as connection:
            cancelled = await store.end_replay(connection, number, "cancelled")
        if cancelled is None:
            raise NoReplay
        return cancelled

    async def run(self) -> None:
        """Takes turns for as long as the service runs; raises what interrupts it."""
        while True:
            async with self.database.connection() as connection:
                seconds = await store.seconds_to_next(connection)
            if seconds is None:
                await asyncio.sleep(_POLL_SECONDS)
                continue
            async with self._channel() as channel:
                while await self._take_turn_or_wait(channel):
                    pass

    async def follow(self, number: uuid.UUID) -> AsyncIterator[Replay]:
        """Takes turns until this replay ends; gives its progress, and at last how it ended."""
        async with self._channel() as channel:
            while (progress := await self.get(number)).state == "running":
                yield progress
                await self._take_turn_or_wait(channel)
        yield progress

    async def _take_turn_or_wait(self, channel: AbstractChannel) -> bool:
        """Returns False if no replay runs."""
        if await self._take_turn(channel):
            return True
        async with self.database.connection() as connection:
            seconds = await store.seconds_to_next(connection)
        if seconds is None:
            return False
        # A replay that is due is under way elsewhere.
        await asyncio.sleep(min(max(seconds, 0.05), _POLL_SECONDS))
        return True

    async def _take_turn(self, channel: AbstractChannel) -> bool:
        """Publishes the next events of the replay whose turn it is; False if none is due."""
        async with self.database.transaction() as connection:
            due = await store.lock_due(connection)
            if due is None:
                return False
            current, reached = due
            batch = await store.select_after(
                connection,
                current.wanted,
                reached,
                min(_BATCH, self.rate),
                BATCH_BYTES,
                complete=not current.incomplete,
            )
            if not batch:
                await store.end_replay(connection, current.id, "done")
                log.info("replay_done", replay=str(current.id), events=current.replayed)
                return True
            done, fault = await self._publish(channel, current.queue, batch)
            pause = len(done) / self.rate if fault is None else self.refused_seconds
            await store.update_replay(connection, current.id, done, pause, fault)
            if fault == _NO_QUEUE:
                await store.end_replay(connection, current.id, "failed", fault)
                log.error("replay_failed", replay=str(current.id), reason=fault)
        self.replayed.inc(len(done))
        return True

    async def _publish(
        self, channel: AbstractChannel, queue: str, batch: Sequence[ArchivedEvent]
    ) -> tuple[Sequence[ArchivedEvent], str | None]:
        """The events that the queue has now, in order, and why it has no more of them."""
        events = [each.to_event() for each in batch]
        bodies = await self.signer.sign(events)
        ends = time.monotonic() + _TURN_SECONDS
        for count, (event, body) in enumerate(zip(events, bodies, strict=True)):
            if time.monotonic() > ends:
                return batch[:count], None
            try:
                await channel.default_exchange.publish(
                    as_message(event, body, self.public_url),
                    queue,
                    mandatory=True,
                    timeout=_CONFIRM_SECONDS,
                )
            except PublishError:
                return batch[:count], _NO_QUEUE
            except (DeliveryError, TimeoutError):
                return batch[:count], _REFUSED
        return batch, None

    async def _require_queue(self, queue: str) -> None:
        if len(queue.encode()) > LONGEST_QUEUE:
            raise NoQueue
        try:
            async with self._channel() as channel:
                await channel.declare_queue(queue, passive=True)
        except ChannelNotFoundEntity:
            raise NoQueue from None
        except (AMQPError, OSError, TimeoutError) as error:
            raise Unavailable("rabbitmq") from error

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        async with connected(self.broker_url, self.connection_name) as connection:
            yield await connection.channel(on_return_raises=True)


def build_archive(database: Database, settings: PublicServiceSettings) -> EventArchive:
    """The archive of a service."""
    return EventArchive(database, settings.events_keep_days)


def build_replays(
    database: Database,
    signer: EventSigner,
    settings: PublicServiceSettings,
    service: str,
    registry: CollectorRegistry,
) -> Replays:
    """The replays of a service's archive."""
    return Replays(
        database,
        signer,
        settings.broker_url,
        f"{service} replays",
        settings.events_replay_rate,
        settings.public_url,
        Counter("events_replayed", "Archived events published again.", registry=registry),
    )
