"""Publishes signed events, with confirms of the broker."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange, DeliveryMode

from shared.contracts.events import Event
from shared.contracts.topology import EVENTS, LEGACY_PREFIXES, expected_by_someone, legacy_route
from shared.messaging.broker import connected, declare_topology
from shared.messaging.envelope import for_direct_exchanges


class Publisher:
    """One channel with publisher confirms."""

    def __init__(self, exchanges: dict[str, AbstractExchange]) -> None:
        self._exchanges = exchanges

    async def publish(self, events: Sequence[tuple[Event, bytes]]) -> None:
        """Publishes in order, each event to both kinds of exchange; returns when all are confirmed.

        Raises what aio-pika raises when an event is not confirmed, or reaches no queue although
        one of our services subscribes to it.
        """
        async with asyncio.TaskGroup() as group:
            for event, body in events:
                group.create_task(self._publish(EVENTS, event.name, event, body))
                direct = for_direct_exchanges(body)
                group.create_task(self._publish(*legacy_route(event.name), event, direct))

    async def _publish(self, exchange: str, key: str, event: Event, body: bytes) -> None:
        message = aio_pika.Message(
            body,
            content_type="application/jose+json",
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=str(event.id),
            type=event.name,
        )
        mandatory = exchange == EVENTS and expected_by_someone(event.name)
        await self._exchanges[exchange].publish(message, key, mandatory=mandatory, timeout=30)


@asynccontextmanager
async def publisher(url: str, name: str) -> AsyncIterator[Publisher]:
    """A publisher for the time of the block; it declares exchanges and queues first."""
    async with connected(url, name) as connection:
        channel: AbstractChannel = await connection.channel(on_return_raises=True)
        await declare_topology(channel)
        names = [EVENTS, *(f"{EVENTS}.{prefix}" for prefix in LEGACY_PREFIXES)]
        yield Publisher({name: await channel.get_exchange(name, ensure=False) for name in names})
