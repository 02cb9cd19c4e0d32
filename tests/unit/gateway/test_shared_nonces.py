"""Nonces are used up in batches, and each waiting call gets its own result."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from authz_gateway.authn.errors import NonceUsed
from authz_gateway.authn.nonces import SharedNonces
from shared.contracts.api_keys import MAX_NONCES, Nonce
from shared.errors import Unavailable

NOW = LIFETIME = 5000


@dataclass
class Store:
    """Stands for resource-svc; answers when the test allows it."""

    used: set[Nonce] = field(default_factory=set)
    down: bool = False
    batches: list[int] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def use_nonces(self, nonces: Sequence[Nonce], lifetime: int) -> list[bool]:
        assert lifetime == LIFETIME
        self.batches.append(len(nonces))
        self.asked.set()
        await self.open.wait()
        if self.down:
            raise Unavailable("resource-svc")
        fresh = [nonce not in self.used for nonce in nonces]
        self.used.update(nonces)
        return fresh


def nonce(number: int) -> Nonce:
    return Nonce("kid", number)


async def outcomes(shared: SharedNonces, store: Store, numbers: Sequence[int]) -> list[object]:
    """The results of concurrent uses; the store answers once all of them wait."""
    tasks = [asyncio.create_task(shared.use(nonce(number), NOW)) for number in numbers]
    await asyncio.sleep(0)
    store.open.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    store.open.clear()
    return [type(result) if result else None for result in results]


async def test_nonces_that_arrive_during_a_request_are_sent_together() -> None:
    store = Store()
    shared = SharedNonces(store, LIFETIME)
    first = asyncio.create_task(shared.use(nonce(1), NOW))
    await store.asked.wait()
    count = MAX_NONCES + 2
    assert await outcomes(shared, store, range(2, 2 + count)) == [None] * count
    await first
    assert store.batches == [1, MAX_NONCES, 2]


async def test_each_call_gets_its_own_result() -> None:
    store = Store(used={nonce(2), nonce(4)})
    shared = SharedNonces(store, LIFETIME)
    results = await outcomes(shared, store, [1, 2, 3, 4, 3])
    assert results == [None, NonceUsed, None, NonceUsed, NonceUsed]
    assert await outcomes(shared, store, [1, 2, 3, 4]) == [NonceUsed] * 4
    assert store.batches == [4], "repeats are refused without a question"


async def test_a_nonce_may_be_used_after_an_error() -> None:
    store = Store(down=True)
    shared = SharedNonces(store, LIFETIME)
    assert await outcomes(shared, store, [1, 2]) == [Unavailable] * 2
    store.down = False
    assert await outcomes(shared, store, [1, 2]) == [None] * 2


async def test_a_cancelled_call_does_not_block_others() -> None:
    store = Store()
    shared = SharedNonces(store, LIFETIME)
    leaving = asyncio.create_task(shared.use(nonce(1), NOW))
    staying = asyncio.create_task(shared.use(nonce(2), NOW))
    await asyncio.sleep(0)
    leaving.cancel()
    store.open.set()
    await staying
    with pytest.raises(asyncio.CancelledError):
        await leaving
    with pytest.raises(NonceUsed):
        await shared.use(nonce(2), NOW)
