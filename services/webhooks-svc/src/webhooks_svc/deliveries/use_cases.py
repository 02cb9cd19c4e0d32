"""Accepts events for endpoints, and sends them."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import structlog
from prometheus_client import Counter, Gauge, Histogram

from shared.contracts.events import ReceivedEvent, subject_of
from shared.database.pool import Connection, Database
from shared.errors import Unavailable
from shared.messaging.outbox import Outbox
from webhooks_svc.core import Core
from webhooks_svc.deliveries import store
from webhooks_svc.deliveries.http import HttpSender
from webhooks_svc.deliveries.models import (
    GONE,
    MAX_RESENT,
    RETRY_SECONDS,
    Delivery,
    Message,
    Outcome,
    delay_after,
    payload_of,
)
from webhooks_svc.endpoints import use_cases as endpoints_module
from webhooks_svc.endpoints.models import Endpoint, EndpointNotFound, matches
from webhooks_svc.endpoints.use_cases import Endpoints

log = structlog.get_logger()

_QUERIES_AT_ONCE = 4
"""Queries of deliveries under way; others wait here, and not for a connection, which is limited."""
_CLAIMED_EACH = 20
"""Deliveries of one endpoint that an instance takes at a time; the next when these are done."""
_POLL_SECONDS = 1.0
_SWEEP_SECONDS = 60.0
_SWEPT_AT_ONCE = 1000
_DAY = timedelta(seconds=sum(RETRY_SECONDS))


@dataclass(frozen=True, slots=True)
class Metrics:
    """Counters of deliveries."""

    attempts: Counter
    seconds: Histogram
    waiting: Gauge
    oldest: Gauge


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Deliveries of events to endpoints.

    A delivery is sent at least once, always with the same `webhook-id`. Each endpoint has its own
    few connections, so that a slow one delays no other. No order is promised.
    """

    database: Database
    outbox: Outbox
    endpoints: Endpoints
    http: HttpSender
    metrics: Metrics
    source: str
    concurrency: int
    lease: timedelta
    log_days: int
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _querying: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_QUERIES_AT_ONCE)
    )

    async def accept(self, connection: Connection, event: ReceivedEvent) -> None:
        """Adds a delivery to each endpoint that gets the event, in the caller's transaction."""
        wanting = [
            endpoint_id
            for endpoint_id, patterns in await self.endpoints.list_active(connection)
            if matches(patterns, event.name)
        ]
        if wanting:
            payload = payload_of(event, self.source)
            await store.insert(
                connection, wanting, event.id, event.name, subject_of(event.record) or None, payload
            )

    async def forget(self, connection: Connection, event: ReceivedEvent) -> None:
        """Deletes what was, or will be, delivered about an erased user; then delivers the erasure.

        Events about them that arrive later are not delivered: each service publishes for itself,
        and such an event may have waited longer than the one that reports the erasure.
        """
        await self.outbox.forget(connection, event.record["uid"])
        await store.forget_user(connection, event.record["uid"])
        await self.accept(connection, event)

    async def list_page(
        self, endpoint_id: int, state: str | None, limit: int, offset: int
    ) -> tuple[list[Delivery], int]:
        """One page of an endpoint's deliveries, the newest first; raises `EndpointNotFound`."""
        await self.endpoints.get(endpoint_id)
        async with self.database.connection() as connection:
            return await store.select_page(connection, endpoint_id, state, limit, offset)

    async def resend(self, endpoint_id: int, delivery_id: int) -> Delivery:
        """Lets a delivery begin anew; raises `DeliveryNotFound`."""
        async with self.database.transaction() as connection:
            return await store.resend(connection, endpoint_id, delivery_id)

    async def resend_span(
        self, endpoint_id: int, since: datetime, until: datetime, *, failed_only: bool
    ) -> int:
        """Lets the deliveries of a span begin anew, the oldest 10,000 of them.

        Returns their number; raises `EndpointNotFound`.
        """
        await self.endpoints.get(endpoint_id)
        async with self.database.transaction() as connection:
            return await store.resend_span(
                connection, endpoint_id, since, until, failed_only=failed_only, limit=MAX_RESENT
            )

    async def test(self, endpoint_id: int) -> tuple[Outcome, float]:
        """Sends a test event now, whatever the endpoint's state; it is neither logged nor retried.

        Returns its outcome and the seconds that it took; raises `EndpointNotFound`.
        """
        endpoint = await self.endpoints.get(endpoint_id)
        event = ReceivedEvent(
            id=uuid4(),
            name="system.webhook.test",
            record={"id": endpoint.id},
            changes={},
            snapshot={},
            issued_at=datetime.now(UTC),
        )
        message = Message(id=str(event.id), payload=payload_of(event, self.source))
        began = time.monotonic()
        outcome = await self._attempt(endpoint, message)
        return outcome, time.monotonic() - began

    async def send_forever(self) -> None:
        """Sends what is due, for as long as PostgreSQL answers; raises `Unavailable`."""
        tasks: dict[int, asyncio.Task[None]] = {}
        try:
            async with self.database.dedicated() as connection:
                channel = f"deliveries_{self.database.schema}"
                await connection.add_listener(channel, lambda *_: self._wake.set())
                while True:
                    self._wake.clear()
                    await self._start_due(tasks)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_POLL_SECONDS):
                            await self._wake.wait()
        finally:
            under_way = tuple(tasks.values())
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def sweep_forever(self) -> None:
        """Each minute, deletes old deliveries, and disables endpoints for which too many wait."""
        while True:
            async with self.database.connection() as connection:
                number, oldest = await store.backlog(connection)
                self.metrics.waiting.set(number)
                age = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
                self.metrics.oldest.set(age)
                while await store.prune(connection, self.log_days, _SWEPT_AT_ONCE):
                    pass
                while await store.expire(connection, _DAY, _SWEPT_AT_ONCE):
                    pass
            await self.endpoints.disable_crowded()
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _start_due(self, tasks: dict[int, "asyncio.Task[None]"]) -> None:
        """Starts a task for every endpoint that has something due and none under way."""
        async with self.database.connection() as connection:
            claimed = await store.claim(connection, tuple(tasks), _CLAIMED_EACH, self.lease)
        by_endpoint: dict[int, list[Delivery]] = {}
        for delivery in claimed:
            by_endpoint.setdefault(delivery.endpoint_id, []).append(delivery)
        for endpoint_id, deliveries in by_endpoint.items():
            task = asyncio.create_task(self._send_all(endpoint_id, deliveries))
            tasks[endpoint_id] = task

            def done(_task: object, endpoint_id: int = endpoint_id) -> None:
                tasks.pop(endpoint_id, None)
                self._wake.set()  # more of this endpoint may be due

            task.add_done_callback(done)

    async def _send_all(self, endpoint_id: int, deliveries: Sequence[Delivery]) -> None:
        """Sends deliveries of one endpoint, a few at a time."""
        try:
            async with self._querying:
                endpoint = await self.endpoints.get(endpoint_id)
            free = asyncio.Semaphore(self.concurrency)
            async with asyncio.TaskGroup() as group:
                for delivery in deliveries:
                    await free.acquire()
                    group.create_task(self._send(endpoint, delivery, free))
        except EndpointNotFound:
            pass
        except Exception:
            log.exception("webhooks_interrupted", endpoint=endpoint_id)

    async def _send(self, endpoint: Endpoint, delivery: Delivery, free: asyncio.Semaphore) -> None:
        try:
            outcome = await self._attempt(endpoint, delivery.message)
        finally:
            free.release()
        try:
            await self._store(endpoint, delivery, outcome)
        except Unavailable:
            # It is sent again when its lease ends; the endpoint's other deliveries go on.
            log.warning("webhook_outcome_not_stored", endpoint=endpoint.id, delivery=delivery.id)

    async def _store(self, endpoint: Endpoint, delivery: Delivery, outcome: Outcome) -> None:
        async with self._querying, self.database.transaction() as connection:
            delay = delay_after(delivery.attempts, outcome)
            if outcome.succeeded or outcome.status == GONE or delay is None:
                await store.end(connection, delivery.id, outcome)
            else:
                await store.postpone(connection, delivery.id, outcome, delay)
            await self.endpoints.note(connection, endpoint.id, succeeded=outcome.succeeded)
            if outcome.status == GONE:
                await self.endpoints.disable(connection, endpoint.id, endpoints_module.GONE)

    async def _attempt(self, endpoint: Endpoint, message: Message) -> Outcome:
        headers = message.headers(datetime.now(UTC), endpoint.secrets)
        began = time.monotonic()
        outcome = await self.http.send(endpoint.url, message, headers)
        self.metrics.seconds.observe(time.monotonic() - began)
        self.metrics.attempts.labels("delivered" if outcome.succeeded else "failed").inc()
        return outcome


def build(core: Core, endpoints: Endpoints) -> Deliveries:
    """Wires the feature."""
    settings, registry = core.settings, core.registry
    metrics = Metrics(
        attempts=Counter(
            "webhook_attempts", "Attempts to deliver events.", ("outcome",), registry=registry
        ),
        seconds=Histogram(
            "webhook_attempt_seconds", "Time that an attempt takes.", registry=registry
        ),
        waiting=Gauge(
            "webhook_deliveries_due",
            "Deliveries that are due, as of a minute ago.",
            registry=registry,
        ),
        oldest=Gauge(
            "webhook_oldest_due_seconds",
            "How long the oldest of them is due, as of a minute ago.",
            registry=registry,
        ),
    )
    for outcome in ("delivered", "failed"):  # exported as 0 from the start
        metrics.attempts.labels(outcome)
    # Each of a claim's deliveries may wait for those before it, and take the whole timeout.
    turns = -(-_CLAIMED_EACH // settings.concurrency)
    return Deliveries(
        database=core.database,
        outbox=core.outbox,
        endpoints=endpoints,
        http=HttpSender(settings.allowed_networks, settings.timeout),
        metrics=metrics,
        source=settings.jwt_issuer,
        concurrency=settings.concurrency,
        lease=timedelta(seconds=turns * settings.timeout + 60),
        log_days=settings.log_days,
    )
