"""RabbitMQ: connections that are not restored, and the declarations that all services make."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import aiormq
from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection, UnderlayConnection
from aio_pika.tools import OneShotCallback
from yarl import URL

from shared.contracts.topology import (
    EVENTS,
    LEGACY_PREFIXES,
    RETRY_SECONDS,
    SUBSCRIPTIONS,
    Subscription,
)

_CONNECT_SECONDS = 5
_HEARTBEAT_SECONDS = 10  # after three of them without a byte, the connection is lost
_DELIVERY_LIMIT = 20  # deliveries of one message before the broker itself makes it a dead letter
_NO_DELIVERY_LIMIT = 2**31 - 1  # by default RabbitMQ 4 drops a message that was returned 20 times


@asynccontextmanager
async def connected(
    url: str, name: str, *, seconds: float = _CONNECT_SECONDS
) -> AsyncIterator[AbstractConnection]:
    """A connection for the time of the block; it is not restored when it is lost.

    Raises what aio-pika raises when the broker refuses, and `TimeoutError` when connecting or
    closing takes more than `seconds`. The connection is closed however the block ends.
    """
    address = URL(url).with_query({"heartbeat": _HEARTBEAT_SECONDS, **URL(url).query})
    connection = _Connection(address, client_properties={"connection_name": name})
    try:
        await connection.connect_within(seconds)
        yield connection
    finally:
        try:
            async with asyncio.timeout(seconds):
                await connection.close()
        finally:
            # Without effect, unless closing was interrupted. A connection that is not marked as
            # closed starts a task in its destructor, which runs at any time and in any thread.
            await connection.close()


class _Connection(aio_pika.Connection):
    """A connection of aio-pika that leaves no socket behind when connecting is interrupted.

    aio-pika's own `connect` loses a connection that the broker accepts while the caller is being
    cancelled, and on Python 3.11 it may lose the cancellation instead.
    """

    async def connect_within(self, seconds: float) -> None:
        """Connects; raises `TimeoutError` after `seconds`."""
        transport = aiormq.Connection(self.url, **self.kwargs)
        try:
            async with asyncio.timeout(seconds):
                await transport.connect()
                await transport.ready()
        except BaseException:
            await transport.close()
            raise
        closed = OneShotCallback(self._on_connection_close)
        transport.closing.add_done_callback(closed)
        self.transport = UnderlayConnection(transport, closed)
        await self._on_connected()


async def close_when_cancelled(channel: AbstractChannel) -> None:
    """Closes the channel when the broker cancels a consumer of it, because its queue is deleted.

    aio-pika would wait for messages that cannot come.
    """
    closing: set[asyncio.Future[None]] = set()  # keeps the task from being collected

    def close(_frame: object) -> None:
        closing.add(asyncio.ensure_future(channel.close()))

    underlay = await channel.get_underlay_channel()
    underlay.on_consumer_cancel_callbacks.add(close)


async def declare_topology(channel: AbstractChannel) -> None:
    """Declares every exchange and queue; repeated declarations change nothing."""
    events = await channel.declare_exchange(EVENTS, ExchangeType.TOPIC, durable=True)
    for prefix in LEGACY_PREFIXES:
        await channel.declare_exchange(f"{EVENTS}.{prefix}", ExchangeType.DIRECT, durable=False)
    for subscription in SUBSCRIPTIONS:
        queue = await _declare_queues(channel, subscription)
        for event in subscription.events:
            await queue.bind(events, event)


async def _declare_queues(
    channel: AbstractChannel, subscription: Subscription
) -> aio_pika.abc.AbstractQueue:
    await channel.declare_queue(
        subscription.dead_letters,
        durable=True,
        arguments={"x-queue-type": "quorum", "x-delivery-limit": _NO_DELIVERY_LIMIT},
    )
    for seconds in RETRY_SECONDS:
        await channel.declare_queue(
            subscription.retry(seconds),
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-message-ttl": seconds * 1000,
                **_dead_letter_to(subscription.queue),
            },
        )
    return await channel.declare_queue(
        subscription.queue,
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": _DELIVERY_LIMIT,
            **_dead_letter_to(subscription.dead_letters),
        },
    )


def _dead_letter_to(queue: str) -> dict[str, str]:
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        # Without these the broker may drop a message between two of its own queues.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
