"""Questions of many calls at the same time, asked together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BatchLoader(Generic[K, V]):
    """Gets values by key, with one question for all keys that come meanwhile.

    One question is under way at a time. A key that comes meanwhile waits for the next one: no value
    is older than the call that wants it. The more calls there are, the less each of them costs.
    """

    def __init__(self, load: Callable[[Sequence[K]], Awaitable[Sequence[V]]], limit: int) -> None:
        """`load` gives a value for each of at most `limit` keys, in their order."""
        self._load = load
        self._limit = limit
        self._waiting: list[tuple[K, asyncio.Future[V]]] = []
        self._loading: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V:
        """The value of a key; raises what `load` raises."""
        value: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, value))
        if self._loading is None:
            self._loading = asyncio.create_task(self._load_while_any_wait())
        return await value

    async def _load_while_any_wait(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[: self._limit]
                del self._waiting[: self._limit]
                await self._answer([each for each in batch if not each[1].done()])
        finally:
            self._loading = None

    async def _answer(self, batch: Sequence[tuple[K, "asyncio.Future[V]"]]) -> None:
        """Answers all who still wait: who has left has cancelled their future."""
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
