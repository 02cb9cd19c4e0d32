"""Receives events while it runs, for caches, which drop everything when events may be missed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aio_pika import ExchangeType

from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import EVENTS
from shared.errors import Unavailable
from shared.messaging.broker import close_when_cancelled, connected
from shared.messaging.envelope import EventVerifier, UntrustedEventError

log = structlog.get_logger()


class Listener:
    """A queue of this process alone, which ends with it."""

    def __init__(
        self,
        url: str,
        name: str,
        patterns: Sequence[str],
        verifier: EventVerifier,
        heard: Callable[[ReceivedEvent], Awaitable[None]],
        missed: Callable[[], Awaitable[None]],
    ) -> None:
        self._url = url
        self._name = name
        self._patterns = patterns
        self._verifier = verifier
        self._heard = heard
        self._missed = missed
        self.listening = False

    async def check(self) -> None:
        """Raises `Unavailable` while no events are received."""
        if not self.listening:
            raise Unavailable("rabbitmq")

    async def run(self) -> None:
        """Receives events until the connection is lost; calls `missed` before and after."""
        async with connected(self._url, self._name) as connection:
            channel = await connection.channel()
            await close_when_cancelled(channel)
            exchange = await channel.declare_exchange(EVENTS, ExchangeType.TOPIC, durable=True)
            queue = await channel.declare_queue(exclusive=True, auto_delete=True)
            for pattern in self._patterns:
                await queue.bind(exchange, pattern)
            try:
                async with queue.iterator(no_ack=True) as messages:
                    await self._missed()
                    self.listening = True
                    async for message in messages:
                        await self._open(message.body)
            finally:
                self.listening = False
                await asyncio.shield(self._missed())

    async def _open(self, body: bytes) -> None:
        try:
            event = await self._verifier.open(body)
        except UntrustedEventError as error:
            log.error("event_untrusted", reason=str(error))
            return
        except Unavailable:
            await self._missed()
            return
        await self._heard(event)
