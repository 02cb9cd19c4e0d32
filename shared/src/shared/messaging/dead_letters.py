"""Dead letters: events that could not be handled, shown, and handled again or dropped."""

import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractIncomingMessage,
    DeliveryMode,
)
from aio_pika.exceptions import AMQPError, ChannelNotFoundEntity

from shared.contracts.secrets import without_secrets
from shared.contracts.topology import Subscription
from shared.errors import NotFound, Unavailable
from shared.messaging.broker import connected, declare_topology
from shared.messaging.subscriber import REASON_HEADER

MOST = 1000
"""The largest number of dead letters of a queue that is read, the oldest ones."""

_LAST_SECONDS = 3.0
"""How long the broker may take to send the next one; then another process has taken the rest."""


class NoDeadLetter(NotFound):
    """No dead letter of the queue has this id, or another process holds it at the moment."""

    codes = ("admin.dead_letter.doesnt_exist",)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter; its contents may be personal."""

    event_id: str
    name: str
    reason: str
    body: bytes = field(repr=False)

    def contents(self) -> dict[str, Any] | None:
        """What the message says, without secrets; None for what is no event and no audit.

        Its signature is not verified: `reason` says whether that was the fault.
        """
        try:
            text = self.body.decode("ascii")
            encoded = json.loads(text)["payload"] if text.startswith("{") else text.split(".")[1]
            claims = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
            said = claims.get("event") or {"activities": claims["activities"]}
            issued = claims.get("iat")
            at = None if issued is None else datetime.fromtimestamp(issued, UTC).isoformat()
            return {"issued_at": at, **without_secrets(said)}
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            OSError,
            RecursionError,
            TypeError,
            ValueError,
        ):
            return None


async def counts(url: str, subscriptions: Collection[Subscription]) -> dict[str, int]:
    """The number of dead letters by queue; raises `Unavailable`."""
    async with _connected(url, "counting dead letters") as connection:
        counted: dict[str, int] = {}
        channel: AbstractChannel | None = None
        for each in subscriptions:
            channel, counted[each.queue] = await _found(connection, each, channel)
        return counted


async def look(
    url: str, subscription: Subscription, limit: int = MOST
) -> AsyncGenerator[DeadLetter, None]:
    """The oldest dead letters, which stay in their queue; raises `Unavailable`.

    A caller that may stop before the end closes the generator, and with it the connection.
    """
    async with _connected(url, f"{subscription.queue} dead letters") as connection:
        channel, number = await _found(connection, subscription)
        async for message in _oldest(channel, subscription, number, limit):
            yield _letter(message)


async def find(url: str, subscription: Subscription, event_id: str) -> DeadLetter:
    """One dead letter; raises `NoDeadLetter` or `Unavailable`."""
    async with aclosing(look(url, subscription)) as letters:
        async for letter in letters:
            if letter.event_id == event_id:
                return letter
    raise NoDeadLetter


async def replay(
    url: str, subscription: Subscription, limit: int = MOST, event_id: str | None = None
) -> int:
    """Puts dead letters back into the service's queue; returns their number.

    The oldest ones, or the one with this id: raises `NoDeadLetter` then. Raises `Unavailable`. A
    crash loses none; one may be handled twice.
    """

    async def put_back(channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        copy = aio_pika.Message(
            message.body,
            content_type=message.content_type,
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=message.message_id,
            type=message.type,
        )
        await channel.default_exchange.publish(copy, subscription.queue, mandatory=True, timeout=30)

    return await _take(url, subscription, limit, event_id, put_back)


async def drop(
    url: str, subscription: Subscription, limit: int = MOST, event_id: str | None = None
) -> int:
    """Deletes dead letters for good; chooses, returns and raises as `replay` does."""

    async def leave(_channel: AbstractChannel, _message: AbstractIncomingMessage) -> None:
        pass

    return await _take(url, subscription, limit, event_id, leave)


async def _take(
    url: str,
    subscription: Subscription,
    limit: int,
    event_id: str | None,
    act: Callable[[AbstractChannel, AbstractIncomingMessage], Awaitable[None]],
) -> int:
    """Acts on dead letters, and takes each out of the queue when that is done.

    On each once: one that the service sets aside again meanwhile stays where it is.
    """
    taken, seen = 0, set[str | None]()
    async with _opened(url, subscription) as (channel, number):
        most = limit if event_id is None else MOST
        async for message in _oldest(channel, subscription, number, most):
            is_back = taken >= number and message.message_id in seen
            if event_id in (None, message.message_id) and not is_back:
                await act(channel, message)
                await message.ack()
                seen.add(message.message_id)
                taken += 1
    if event_id is not None and not taken:
        raise NoDeadLetter
    return taken


async def _oldest(
    channel: AbstractChannel, subscription: Subscription, counted: int, limit: int
) -> AsyncIterator[AbstractIncomingMessage]:
    """The oldest messages; those that are not acknowledged return when the connection ends.

    The broker sends the `counted` ones together. It is asked for the others one after the other,
    which takes a round trip each: they have come, or come back, since they were counted.
    """
    queue = await channel.get_queue(subscription.dead_letters, ensure=False)
    together = min(counted, limit)
    taken = 0
    if together:
        await channel.set_qos(prefetch_count=together)
        async with queue.iterator(timeout=_LAST_SECONDS) as messages:
            with suppress(TimeoutError):
                while taken < together:
                    message = await anext(messages)
                    taken += 1
                    yield message
    for _ in range(limit - taken):
        following = await queue.get(fail=False)
        if following is None:
            return
        yield following


@asynccontextmanager
async def _opened(
    url: str, subscription: Subscription
) -> AsyncIterator[tuple[AbstractChannel, int]]:
    """A channel, and the number of dead letters; declares everything that the action may need."""
    async with _connected(url, f"{subscription.queue} dead letters") as connection:
        channel = await connection.channel(on_return_raises=True)
        await declare_topology(channel)
        yield channel, await _count(channel, subscription)


async def _found(
    connection: AbstractConnection,
    subscription: Subscription,
    channel: AbstractChannel | None = None,
) -> tuple[AbstractChannel, int]:
    """A channel to a broker that has the queue of dead letters, and the number of these.

    It is the given one where that can be used. To declare everything takes a hundred round trips:
    it is done only for a broker that no service has used yet.
    """
    channel = channel or await connection.channel()
    try:
        return channel, await _count(channel, subscription)
    except ChannelNotFoundEntity:  # which closed the channel
        channel = await connection.channel()
        await declare_topology(channel)
        return channel, await _count(channel, subscription)


async def _count(channel: AbstractChannel, subscription: Subscription) -> int:
    declared = await channel.declare_queue(subscription.dead_letters, passive=True)
    return declared.declaration_result.message_count or 0


@asynccontextmanager
async def _connected(url: str, name: str) -> AsyncIterator[AbstractConnection]:
    """A connection for the block; raises `Unavailable`."""
    try:
        async with connected(url, name) as connection:
            yield connection
    except (AMQPError, OSError, TimeoutError) as error:
        raise Unavailable("rabbitmq") from error


def _letter(message: AbstractIncomingMessage) -> DeadLetter:
    return DeadLetter(
        message.message_id or "",
        message.type or "",
        str(message.headers.get(REASON_HEADER, "delivery limit")),
        message.body,
    )
