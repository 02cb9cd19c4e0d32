"""Dead letters: events that could not be handled, listed, and replayed once the cause is mended."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import DeliveryMode

from shared.contracts.topology import Subscription
from shared.messaging.broker import connected, declare_topology
from shared.messaging.subscriber import REASON_HEADER


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter, without its contents, which may be personal."""

    event_id: str
    name: str
    reason: str


async def look(
    url: str, subscription: Subscription, limit: int
) -> AsyncGenerator[DeadLetter, None]:
    """The oldest dead letters, which stay in their queue.

    A caller that may stop before the end closes the generator, and with it the connection.
    """
    async with connected(url, f"{subscription.queue} dead letters") as connection:
        channel = await connection.channel()
        await declare_topology(channel)
        queue = await channel.get_queue(subscription.dead_letters, ensure=False)
        for _ in range(limit):
            message = await queue.get(fail=False)  # unacknowledged: back in the queue at the end
            if message is None:
                return
            yield DeadLetter(
                message.message_id or "",
                message.type or "",
                str(message.headers.get(REASON_HEADER, "delivery limit")),
            )


async def replay(url: str, subscription: Subscription, limit: int) -> int:
    """Puts dead letters back into the service's queue; returns their number."""
    async with connected(url, f"{subscription.queue} dead letters") as connection:
        channel = await connection.channel(on_return_raises=True)
        await declare_topology(channel)
        queue = await channel.get_queue(subscription.dead_letters, ensure=False)
        for count in range(limit):
            message = await queue.get(fail=False)
            if message is None:
                return count
            copy = aio_pika.Message(
                message.body,
                content_type=message.content_type,
                delivery_mode=DeliveryMode.PERSISTENT,
                message_id=message.message_id,
                type=message.type,
            )
            await channel.default_exchange.publish(copy, subscription.queue, mandatory=True)
            await message.ack()
    return limit
