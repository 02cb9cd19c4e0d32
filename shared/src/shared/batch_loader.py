"""Loads values for many concurrent calls with one request."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

from shared.errors import Unavailable

K = TypeVar("K")
V = TypeVar("V")

_TURN_SECONDS = 3.0
"""How long a key waits until it is asked for: as long as for a connection of a pool."""


class BatchLoader(Generic[K, V]):
    """Gets values by key, with one request for all keys that are wanted at the same time.

    One request is under way at a time. A key that is wanted meanwhile waits for the next one, so
    that no value is older than the call that wants it. The more calls there are, the less each of
    them costs.
    """

    def __init__(
        self, load: Callable[[Sequence[K]], Awaitable[Sequence[V]]], limit: int, dependency: str
    ) -> None:
        """`load` gives a value for each of at most `limit` keys, in their order.

        `dependency` is what it asks.
        """
        self._load = load
        self._limit = limit
        self._dependency = dependency
        self._waiting: dict[asyncio.Future[V], K] = {}
        self._loading: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V:
        """The value of a key.

        Raises what `load` raises, and `Unavailable` where the key is not asked for within three
        seconds, because earlier questions take long.
        """
        loop = asyncio.get_running_loop()
        value: asyncio.Future[V] = loop.create_future()
        self._waiting[value] = key
        turn = loop.call_later(_TURN_SECONDS, self._refuse, value)
        if self._loading is None:
            self._loading = asyncio.create_task(self._load_while_any_wait())
        try:
            return await value
        finally:
            turn.cancel()
            self._waiting.pop(value, None)

    def _refuse(self, value: "asyncio.Future[V]") -> None:
        """Refuses a key that still waits for its turn."""
        if value in self._waiting and not value.done():
            del self._waiting[value]
            value.set_exception(Unavailable(self._dependency))

    async def _load_while_any_wait(self) -> None:
        try:
            while self._waiting:
                values = tuple(islice(self._waiting, self._limit))
                batch = [(self._waiting.pop(value), value) for value in values]
                await self._answer([each for each in batch if not each[1].done()])
        finally:
            self._loading = None

    async def _answer(self, batch: Sequence[tuple[K, "asyncio.Future[V]"]]) -> None:
        """Answers everybody who still waits; those who left have cancelled their future."""
        if not batch:
            return
        try:
            values = await self._load([key for key, _ in batch])
        except Exception as error:  # noqa: BLE001 - raised again, where each of them waits
            for _, value in batch:
                if not value.done():
                    value.set_exception(error)
            return
        for (_, value), loaded in zip(batch, values, strict=True):
            if not value.done():
                value.set_result(loaded)
