"""Publishes audits to the broker in batches."""

import asyncio
from collections.abc import Sequence

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, DeliveryMode

from shared.contracts.activities import Activity
from shared.contracts.services import GATEWAY
from shared.contracts.topology import AUDIT, AUDITS
from shared.errors import Unavailable
from shared.messaging.audits import AuditSeal
from shared.messaging.broker import connected, declare_topology

log = structlog.get_logger()

_CONFIRM_SECONDS = 2.0
_BATCH = 100


class AuditQueue:
    """Publishes to the durable queue that admin-svc consumes.

    While one message waits for its confirm, further activities wait for the next message: many
    concurrent calls cost the broker little more than one.
    """

    def __init__(self, url: str, seal: AuditSeal) -> None:
        self._url = url
        self._seal = seal
        self._channel: AbstractChannel | None = None
        self._ended = asyncio.Event()
        self._waiting: list[tuple[Activity, asyncio.Future[None]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Opens a channel, and returns when it was lost or an error occurred on it."""
        async with connected(self._url, f"{GATEWAY} audits") as connection:
            channel = await connection.channel(on_return_raises=True)
            await declare_topology(channel)
            self._ended = ended = asyncio.Event()
            for each in (connection, channel):
                each.close_callbacks.add(lambda *_: ended.set())
            self._channel = channel
            try:
                await ended.wait()
            finally:
                self._channel = None

    async def publish(self, activity: Activity) -> None:
        """Returns when the broker has confirmed the activity; raises `Unavailable` otherwise.

        Concurrent calls are allowed.
        """
        if self._channel is None:
            raise Unavailable("rabbitmq")
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((activity, confirmed))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        await confirmed

    async def _send(self) -> None:
        while batch := self._waiting[:_BATCH]:
            del self._waiting[: len(batch)]
            failure: Unavailable | None = None
            try:
                await self._publish([activity for activity, _ in batch])
            except Exception as error:  # noqa: BLE001 - a lost connection has many names
                log.warning("audits_not_confirmed", error=repr(error), audits=len(batch))
                failure = Unavailable("rabbitmq")
                # A new connection declares missing queues again.
                self._channel = None
                self._ended.set()
            for _, confirmed in batch:
                if confirmed.done():  # the call was cancelled
                    continue
                if failure is None:
                    confirmed.set_result(None)
                else:
                    confirmed.set_exception(failure)

    async def _publish(self, activities: Sequence[Activity]) -> None:
        if self._channel is None:
            raise Unavailable("rabbitmq")
        message = aio_pika.Message(
            self._seal.seal(activities),
            content_type="application/jose",
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=str(activities[0].id),
            type=AUDIT,
        )
        async with asyncio.timeout(_CONFIRM_SECONDS):
            await self._channel.default_exchange.publish(message, AUDITS.queue, mandatory=True)
