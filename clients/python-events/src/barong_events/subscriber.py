"""Reads a durable queue: acknowledges handled events, retries failed ones, then makes dead letters.

For a queue `orders` there are `orders.retry.1s`, `.10s`, `.60s`, `.300s` and `orders.dead`.
"""

import asyncio
import inspect
import logging
import random
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue, DeliveryMode

from barong_events.errors import HandlersHangError, UntrustedEventError, WaitError
from barong_events.keys import Keys, KeySet
from barong_events.known_ids import KnownIds, MemoryIds
from barong_events.verifier import Event, Verifier

log = logging.getLogger("barong_events")

EXCHANGE = "barong.events"
ATTEMPT_HEADER = "x-attempt"
REASON_HEADER = "x-reason"
RETRY_SECONDS = (1, 10, 60, 300)

_CONNECT_SECONDS = 10.0
_PUBLISH_SECONDS = 30.0
_FIRST_DELAY, _LONGEST_DELAY = 0.2, 30.0
_DELIVERY_LIMIT = 20  # deliveries of one message before the broker itself makes it a dead letter
_NO_DELIVERY_LIMIT = 2**31 - 1
_HANGING_THREADS = 10

Handler = Callable[[Event], Awaitable[None] | None]
Counted = Callable[[str, str, float], None]


class Subscriber:
    """One queue, read one event at a time. More processes read it faster, but in no order."""

    def __init__(
        self,
        amqp_url: str,
        gateway_url: str,
        queue: str,
        *,
        issuer: str = "barong",
        keys: Keys | None = None,
        known_ids: KnownIds | None = None,
        timeout: float = 30.0,
        prefetch: int = 10,
        retry_seconds: Sequence[int] = RETRY_SECONDS,
        dead_letter_days: int = 30,
        counted: Counted = lambda name, outcome, seconds: None,
    ) -> None:
        """Nothing is connected before `run`.

        `timeout` is what a handler may take, in seconds, and `prefetch` how many events are
        fetched ahead. An event that failed is retried after each of `retry_seconds`, and is then
        a dead letter for `dead_letter_days`, 49 at most. `counted` gets an event's name, the
        outcome (done, repeated, unhandled, retried, dead) and the seconds that it took.
        """
        if not 1 <= prefetch <= 1000 or not 1 <= dead_letter_days <= 49 or timeout <= 0:
            raise ValueError("prefetch, dead_letter_days or timeout is out of range")
        self._url = amqp_url
        self._queue = queue
        self._keys = keys or KeySet(gateway_url.rstrip("/") + "/.well-known/jwks.json")
        self._verifier = Verifier(self._keys, issuer)
        self._known = known_ids or MemoryIds()
        self._timeout = timeout
        self._prefetch = prefetch
        self._retry_seconds = tuple(retry_seconds)
        self._dead_letter_seconds = dead_letter_days * 86400
        self._counted = counted
        self._handlers: dict[str, Handler] = {}
        self._threads: list[threading.Thread] = []
        self._stopping = asyncio.Event()
        self.consuming = False
        """Whether the queue is read now: for a readiness probe."""

    def on(self, *names: str) -> Callable[[Handler], Handler]:
        """Makes the function the handler of these events, and binds the queue to their names.

        A name may be a pattern of RabbitMQ (`model.user.*`, `system.#`); an exact name goes
        before patterns, and an earlier pattern before a later one. The handler is a function or
        a coroutine function; functions run in a thread. An error that it raises means: again,
        later.
        """

        def register(handler: Handler) -> Handler:
            for name in names:
                if name in self._handlers:
                    raise ValueError(f"{name} has a handler")
                self._handlers[name] = handler
            return handler

        return register

    def run_forever(self) -> None:
        """Runs until SIGTERM or SIGINT; an event that is being handled is finished first."""

        async def main() -> None:
            loop = asyncio.get_running_loop()
            for each in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(each, self.stop)
            await self.run()

        asyncio.run(main())

    def stop(self) -> None:
        """Makes `run` return when the event that is being handled is finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Reads the queue until `stop`, and connects again when a connection is lost.

        Raises `HandlersHangError`.
        """
        delay = _FIRST_DELAY
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                await self._read()
            except HandlersHangError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever ails the broker may be over soon
                log.warning("disconnected queue=%s error=%r", self._queue, error)
            if time.monotonic() - started > _LONGEST_DELAY:
                delay = _FIRST_DELAY
            await self._sleep(delay * random.uniform(0.5, 1))  # noqa: S311 - spreads reconnections
            delay = min(delay * 2, _LONGEST_DELAY)

    async def _sleep(self, seconds: float) -> None:
        """Waits, but no longer than until `stop`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _read(self) -> None:
        """Reads the queue until `stop`, or until the connection or the queue is gone."""
        connection = await aio_pika.connect(
            self._url,
            timeout=_CONNECT_SECONDS,
            client_properties={"connection_name": self._queue},
        )
        async with connection:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            await channel.set_qos(prefetch_count=self._prefetch)
            queue = await self._declare(channel)
            waiting: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()

            def end(*_: object) -> None:
                waiting.put_nowait(None)

            channel.close_callbacks.add(end)
            underlay = await channel.get_underlay_channel()
            underlay.on_consumer_cancel_callbacks.add(end)  # the queue was deleted
            stopped = asyncio.create_task(self._stopping.wait())
            stopped.add_done_callback(end)
            try:
                await queue.consume(waiting.put)
                self.consuming = True
                log.info("listening queue=%s", self._queue)
                while (message := await waiting.get()) is not None:
                    if self._stopping.is_set() or channel.is_closed:
                        break
                    await self._handle(channel, message)
            finally:
                self.consuming = False
                stopped.remove_done_callback(end)
                stopped.cancel()

    async def _declare(self, channel: AbstractChannel) -> AbstractQueue:
        await channel.declare_queue(
            self._dead,
            durable=True,
            arguments={"x-queue-type": "quorum", "x-delivery-limit": _NO_DELIVERY_LIMIT},
        )
        for seconds in self._retry_seconds:
            await channel.declare_queue(
                self._retry(seconds),
                durable=True,
                arguments={
                    "x-queue-type": "quorum",
                    "x-message-ttl": seconds * 1000,
                    **_dead_letter_to(self._queue),
                },
            )
        queue = await channel.declare_queue(
            self._queue,
            durable=True,
            arguments={
                "x-queue-type": "quorum",
                "x-delivery-limit": _DELIVERY_LIMIT,
                **_dead_letter_to(self._dead),
            },
        )
        for name in self._handlers:
            await queue.bind(EXCHANGE, name)
        return queue

    @property
    def _dead(self) -> str:
        return f"{self._queue}.dead"

    def _retry(self, seconds: int) -> str:
        return f"{self._queue}.retry.{seconds}s"

    async def _handle(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        started = time.monotonic()
        name = "unknown"
        try:
            event = await self._waiting(channel, lambda: self._verifier.open(message.body))
            name = event.name
            outcome = await self._waiting(channel, lambda: self._react(event))
        except _GivenBackError:
            return
        except HandlersHangError:
            raise
        except UntrustedEventError as error:
            outcome = await self._set_aside(channel, message, f"untrusted: {error}")
        except Exception as error:
            log.exception("failed event=%s id=%s", name, message.message_id)
            outcome = await self._try_later(channel, message, type(error).__name__)
        await message.ack()
        self._counted(name, outcome, time.monotonic() - started)

    async def _waiting(self, channel: AbstractChannel, do: Callable[[], Awaitable[Any]]) -> Any:
        """Does it again while something is away, with growing delays.

        Raises `_GivenBackError` when the event goes back to the queue: after `stop`, or when the
        connection is lost.
        """
        delay = _FIRST_DELAY
        while True:
            try:
                return await do()
            except WaitError as error:
                log.warning("waiting queue=%s error=%r", self._queue, error)
            await self._sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)
            if self._stopping.is_set() or channel.is_closed:
                raise _GivenBackError

    async def _react(self, event: Event) -> str:
        handler = self._handler(event.name)
        if handler is None:
            return "unhandled"
        if await self._remembering(self._known.has(event.id)):
            return "repeated"
        async with asyncio.timeout(self._timeout):
            if inspect.iscoroutinefunction(handler):
                await handler(event)
            else:
                await self._in_thread(handler, event)
        await self._remember(event.id)
        return "done"

    async def _remember(self, event_id: UUID) -> None:
        """A handler that is done is not called again because its id cannot be stored now."""
        delay = _FIRST_DELAY
        while not self._stopping.is_set():
            try:
                await self._remembering(self._known.add(event_id))
                return
            except WaitError as error:
                log.warning("waiting queue=%s error=%r", self._queue, error)
            await self._sleep(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    async def _remembering(self, asked: Awaitable[Any]) -> Any:
        try:
            async with asyncio.timeout(self._timeout):
                return await asked
        except Exception as error:
            raise WaitError(f"known ids: {error!r}") from error

    def _handler(self, name: str) -> Handler | None:
        if name in self._handlers:
            return self._handlers[name]
        words = name.split(".")
        for pattern, handler in self._handlers.items():
            if matches(pattern.split("."), words):
                return handler
        return None

    async def _in_thread(self, handler: Handler, event: Event) -> None:
        """Runs a function in a thread that does not keep the program from ending."""
        self._threads = [each for each in self._threads if each.is_alive()]
        if len(self._threads) >= _HANGING_THREADS:
            raise HandlersHangError(f"{len(self._threads)} handlers are beyond their time")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def settle(error: BaseException | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def call() -> None:
            failure: BaseException | None = None
            try:
                handler(event)
            except Exception as error:  # noqa: BLE001 - it is raised in the event loop
                failure = error
            except BaseException as error:  # noqa: BLE001 - SystemExit would end only the thread
                failure = RuntimeError(repr(error))
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, failure)

        thread = threading.Thread(target=call, daemon=True, name=f"{self._queue}-{event.id}")
        self._threads.append(thread)
        thread.start()
        await done

    async def _try_later(
        self, channel: AbstractChannel, message: AbstractIncomingMessage, reason: str
    ) -> str:
        attempt = message.headers.get(ATTEMPT_HEADER, 0)
        if not isinstance(attempt, int) or attempt not in range(len(self._retry_seconds)):
            return await self._set_aside(channel, message, reason)
        queue = self._retry(self._retry_seconds[attempt])
        await _copy(channel, message, queue, {ATTEMPT_HEADER: attempt + 1, REASON_HEADER: reason})
        return "retried"

    async def _set_aside(
        self, channel: AbstractChannel, message: AbstractIncomingMessage, reason: str
    ) -> str:
        log.error("dead queue=%s id=%s reason=%s", self._queue, message.message_id, reason)
        await _copy(
            channel, message, self._dead, {REASON_HEADER: reason}, self._dead_letter_seconds
        )
        return "dead"


class _GivenBackError(Exception):
    """The event will be delivered again."""


def matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    """Whether a binding key of a topic exchange matches: `*` is one word, `#` any number."""
    if not pattern:
        return not words
    if pattern[0] == "#":
        return any(matches(pattern[1:], words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and pattern[0] in ("*", words[0]) and matches(pattern[1:], words[1:])


def _dead_letter_to(queue: str) -> Mapping[str, str]:
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        # Without these the broker may drop a message between two queues.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


async def _copy(
    channel: AbstractChannel,
    message: AbstractIncomingMessage,
    queue: str,
    headers: Mapping[str, str | int],
    seconds: int | None = None,
) -> None:
    """Copies the message to another queue, for good or for a time; the broker has confirmed it."""
    copy = aio_pika.Message(
        message.body,
        headers=dict(headers),
        content_type=message.content_type,
        delivery_mode=DeliveryMode.PERSISTENT,
        expiration=seconds,
        message_id=message.message_id,
        type=message.type,
    )
    await channel.default_exchange.publish(copy, queue, mandatory=True, timeout=_PUBLISH_SECONDS)
