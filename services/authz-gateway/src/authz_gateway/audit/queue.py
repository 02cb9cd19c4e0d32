"""The way of audits to the broker: those that come at the same time travel together."""

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
    """The durable queue from which admin-svc takes what it keeps.

    While a message is on its way to be confirmed, whatever else is audited waits for the next one:
    many calls at a time cost the broker little more than one.
    """

    def __init__(self, url: str, seal: AuditSeal) -> None:
        self._url = url
        self._seal = seal
        self._channel: AbstractChannel | None = None
        self._ended = asyncio.Event()
        self._waiting: list[tuple[Activity, asyncio.Future[None]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Keeps a channel until it is lost, or something went wrong on it."""
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

    async def put(self, activity: Activity) -> None:
        """Returns when the broker has it for good; raises `Unavailable` when that is not certain.

        Any number may be under way at the same time.
        """
        if self._channel is None:
            raise Unavailable("rabbitmq")
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((activity, kept))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())
        await kept

    async def _send(self) -> None:
        while batch := self._waiting[:_BATCH]:
            del self._waiting[: len(batch)]
            failure: Unavailable | None = None
            try:
                await self._publish([activity for activity, _ in batch])
            except Exception as error:  # noqa: BLE001 - a lost connection has many names
                log.warning("audits_not_confirmed", error=repr(error), audits=len(batch))
                failure = Unavailable("rabbitmq")
                # Another connection declares anew whatever is missing.
                self._channel = None
                self._ended.set()
            for _, kept in batch:
                if kept.done():  # whoever waited for it has left
                    continue
                if failure is None:
                    kept.set_result(None)
                else:
                    kept.set_exception(failure)

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
