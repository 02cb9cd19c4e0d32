"""Changes, published to all gateways at once, without outbox and relay.

An event reports the same reliably, a little later: it waits for its turn, its signature and the
broker's confirm. A message of this module may be lost. A gateway that receives one drops cached
answers and asks for them again.
"""

import asyncio
import hmac
import time
from collections.abc import Callable
from typing import cast

import jwt
import structlog
from aio_pika import ExchangeType
from aio_pika.abc import AbstractIncomingMessage
from aiormq import spec
from aiormq.channel import Channel

from shared.contracts.changes import listed
from shared.contracts.topology import CHANGES
from shared.crypto.key_ring import KeyRing
from shared.messaging.broker import connected

log = structlog.get_logger()

_ALGORITHM = "HS256"
_LIFETIME = 30.0
_PUBLISH_SECONDS = 0.1


class ChangeSeal:
    """Signs messages with a key derived from the services' first one, and verifies fresh ones."""

    def __init__(self, ring: KeyRing) -> None:
        self._primary, _ = ring.primary
        self._keys = {
            key_id: hmac.digest(key, b"changes", "sha256") for key_id, key in ring.keys.items()
        }

    def seal(self, changes: str) -> bytes:
        """The message that names these subjects."""
        claims = {"aud": CHANGES, "exp": time.time() + _LIFETIME, "changes": changes}
        key = self._keys[self._primary]
        return jwt.encode(claims, key, _ALGORITHM, headers={"kid": self._primary}).encode()

    def open(self, body: bytes) -> list[str]:
        """The subjects; raises ValueError for a message that is forged or too old."""
        try:
            key = self._keys[jwt.get_unverified_header(body)["kid"]]
            claims = jwt.decode(
                body, key, [_ALGORITHM], audience=CHANGES, options={"require": ["aud", "exp"]}
            )
        except (jwt.InvalidTokenError, LookupError, UnicodeError) as error:
            raise ValueError(type(error).__name__) from None
        return listed(str(claims.get("changes", "")))


class ChangePublisher:
    """Publishes to all gateways, without waiting for a confirm of the broker."""

    def __init__(self, url: str, name: str, ring: KeyRing) -> None:
        self._url = url
        self._name = f"{name} changes"
        self._seal = ChangeSeal(ring)
        self._channel: Channel | None = None

    async def run(self) -> None:
        """Keeps a channel until it is lost."""
        async with connected(self._url, self._name) as connection:
            channel = await connection.channel(publisher_confirms=False)
            await channel.declare_exchange(CHANGES, ExchangeType.FANOUT, durable=False)
            ended = asyncio.Event()
            for each in (connection, channel):
                each.close_callbacks.add(lambda *_: ended.set())
            # aio-pika cannot publish without waiting for the socket to drain.
            self._channel = cast(Channel, await channel.get_underlay_channel())
            try:
                await ended.wait()
            finally:
                self._channel = None

    async def publish(self, changes: str) -> None:
        """Publishes the changes where there is a broker; never raises."""
        channel = self._channel
        if channel is None:
            return
        properties = spec.Basic.Properties(delivery_mode=1, expiration="10000")
        try:
            async with asyncio.timeout(_PUBLISH_SECONDS):
                await channel.basic_publish(
                    self._seal.seal(changes), exchange=CHANGES, properties=properties, wait=False
                )
        except Exception as error:  # noqa: BLE001 - a lost connection has many names
            log.warning("changes_not_told", error=repr(error))


class ChangeListener:
    """Receives changes while it runs; those that it misses come as events."""

    def __init__(
        self, url: str, name: str, ring: KeyRing, heard: Callable[[list[str]], None]
    ) -> None:
        self._url = url
        self._name = f"{name} changes"
        self._seal = ChangeSeal(ring)
        self._heard = heard

    async def run(self) -> None:
        """Receives until the connection is lost."""
        async with connected(self._url, self._name) as connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange(CHANGES, ExchangeType.FANOUT, durable=False)
            queue = await channel.declare_queue(exclusive=True, auto_delete=True)
            await queue.bind(exchange)
            ended = asyncio.Event()
            for each in (connection, channel):
                each.close_callbacks.add(lambda *_: ended.set())
            await queue.consume(self._received, no_ack=True)
            await ended.wait()

    async def _received(self, message: AbstractIncomingMessage) -> None:
        try:
            self._heard(self._seal.open(message.body))
        except ValueError as error:
            log.error("changes_untrusted", reason=str(error))
