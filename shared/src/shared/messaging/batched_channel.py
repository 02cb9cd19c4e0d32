"""A channel on which many messages leave in one write.

aiormq publishes one message at a time: three tasks and a write to the socket for each.
"""

import asyncio
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pamqp.frame
from aio_pika.abc import DeliveryMode
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from pamqp import commands

_HEADER, _BODY, _END = 2, 3, b"\xce"  # of frames: AMQP 0-9-1, 2.3
# The flags of properties: Basic.Properties in the protocol's definition.
_CONTENT_TYPE, _HEADERS, _DELIVERY_MODE, _MESSAGE_ID, _TYPE = (
    1 << bit for bit in (15, 13, 12, 7, 5)
)


class BatchedChannel:
    """Publishes on a channel of aiormq, on which nobody else publishes.

    What is published before the event loop goes on leaves in one write.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._waiting: list[bytes] = []
        self._flushing: asyncio.Task[None] | None = None

    def publish(
        self,
        body: bytes,
        properties: bytes,
        message_id: str,
        *,
        exchange: str,
        key: str,
        mandatory: bool = False,
    ) -> "asyncio.Future[Any]":
        """The broker's confirm of a message; `properties` are marshalled, with `message_id`.

        The future raises `DeliveryError` if a queue refused the message, `PublishError` if it is
        mandatory and there is no queue, and what aiormq raises when the channel is lost. Of two
        messages with the same id, one that is returned counts as the later: aiormq knows returned
        messages by their ids.
        """
        channel = self._channel
        channel.delivery_tag = tag = channel.delivery_tag + 1
        confirmed = channel.create_future()
        channel.confirmations[tag] = confirmed
        channel.message_id_delivery_tag[message_id] = tag

        def forget(_: object) -> None:
            if channel.message_id_delivery_tag.get(message_id) == tag:
                del channel.message_id_delivery_tag[message_id]

        confirmed.add_done_callback(forget)
        self._waiting.append(self._marshalled(body, properties, exchange, key, mandatory=mandatory))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return confirmed

    async def probe(self, seconds: float) -> None:
        """Returns when the broker answers on this channel; raises `TimeoutError`."""
        await self._channel.basic_qos(prefetch_count=1, timeout=seconds)

    async def _flush(self) -> None:
        while self._waiting:
            payload = b"".join(self._waiting)
            self._waiting.clear()
            await self._channel.write_queue.put(ChannelFrame(payload, should_close=False))

    def _marshalled(
        self, body: bytes, properties: bytes, exchange: str, key: str, *, mandatory: bool
    ) -> bytes:
        """The frames of a message."""
        number, size = self._channel.number, self._channel.max_content_size
        header = struct.pack(">HHQ", commands.Basic.frame_id, 0, len(body)) + properties
        method = _method(number, exchange, key, mandatory)
        parts = (body[at : at + size] for at in range(0, len(body), size))
        bodies = (_frame(_BODY, number, part) for part in parts)
        return b"".join((method, _frame(_HEADER, number, header), *bodies))


def properties(
    content_type: str, headers: Mapping[str, str], message_id: str, message_type: str
) -> bytes:
    """The marshalled properties of a persistent message: AMQP 0-9-1, 4.2.6.1.

    pamqp takes five times as long for a dozen strings.
    """
    table = b"".join(
        b"".join((_short(name), b"S", struct.pack(">I", len(text)), text))
        for name, text in ((name, value.encode()) for name, value in headers.items())
    )
    return b"".join(
        (
            struct.pack(">H", _CONTENT_TYPE | _HEADERS | _DELIVERY_MODE | _MESSAGE_ID | _TYPE),
            _short(content_type),
            struct.pack(">I", len(table)),
            table,
            bytes((DeliveryMode.PERSISTENT,)),
            _short(message_id),
            _short(message_type),
        )
    )


def _short(text: str) -> bytes:
    """A short string; raises `ValueError` if it has more than 255 bytes."""
    encoded = text.encode()
    return bytes((len(encoded),)) + encoded


def _frame(kind: int, number: int, payload: bytes) -> bytes:
    return b"".join((struct.pack(">BHI", kind, number, len(payload)), payload, _END))


@lru_cache(512)
def _method(number: int, exchange: str, key: str, mandatory: bool) -> bytes:
    """The frame that begins a message; it is the same for all events of a name."""
    method = commands.Basic.Publish(exchange=exchange, routing_key=key, mandatory=mandatory)
    return pamqp.frame.marshal(method, number)
