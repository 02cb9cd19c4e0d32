"""Publishes audits to the broker in batches."""

import asyncio
from collections.abc import Sequence

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, DeliveryMode

from shared.batch_loader import BatchLoader
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

    While one message waits for its confirm, further activities wait for the next message, for three
    seconds at most: many concurrent calls cost the broker little more than one.
    """

    def __init__(self, url: str, seal: AuditSeal) -> None:
        self._url = url
        self._seal = seal
        self._channel: AbstractChannel | None = None
        self._ended = asyncio.Event()
        self._confirmations = BatchLoader(self._send, _BATCH, "rabbitmq")

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

    async def check(self) -> None:
        """Raises `Unavailable` when the channel is not open: audits then go to admin-svc."""
        if self._channel is None:
            raise Unavailable("rabbitmq")

    async def publish(self, activity: Activity) -> None:
        """Returns when the broker has confirmed the activity; raises `Unavailable` otherwise.

        Concurrent calls are allowed.
        """
        await self.check()
        await self._confirmations.get(activity)

    async def _send(self, activities: Sequence[Activity]) -> list[None]:
        try:
            await self._publish(activities)
        except Exception as error:  # noqa: BLE001 - a lost connection has many names
            log.warning("audits_not_confirmed", error=repr(error), audits=len(activities))
            # A new connection declares missing queues again.
            self._channel = None
            self._ended.set()
            raise Unavailable("rabbitmq") from None
        return [None] * len(activities)

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
