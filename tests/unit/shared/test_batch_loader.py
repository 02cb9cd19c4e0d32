"""What calls ask for at the same time is read together, and is never older than the question."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.batch_loader import BatchLoader
from shared.errors import Unavailable
from tests.support.virtual_time import in_virtual_time
from tests.support.waiting import until


class Shelf:
    """Loads numbers in turns; each turn ends when it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.turn = asyncio.Event()
        self.failing = False

    async def load(self, keys: Sequence[int]) -> list[str]:
        """The batch in which each key was loaded."""
        self.batches.append(list(keys))
        await self.turn.wait()
        self.turn.clear()
        if self.failing:
            raise Unavailable("postgresql")
        return [f"{key} in {len(self.batches)}" for key in keys]


@pytest.fixture
async def shelf() -> Shelf:
    return Shelf()


async def started(loader: BatchLoader[int, str], *keys: int) -> "list[asyncio.Task[str]]":
    """Calls that ask for these keys, and have asked."""
    calls = [asyncio.create_task(loader.get(key)) for key in keys]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return calls


async def test_keys_that_come_while_a_query_runs_go_with_the_next(shelf: Shelf) -> None:
    loader = BatchLoader(shelf.load, 10, "postgresql")
    (first,) = await started(loader, 1)
    others = await started(loader, 1, 2, 3)
    assert shelf.batches == [[1]]
    shelf.turn.set()
    assert await first == "1 in 1"
    await asyncio.sleep(0)
    shelf.turn.set()
    # Also the key that was being loaded already: its value may have changed since.
    assert await asyncio.gather(*others) == ["1 in 2", "2 in 2", "3 in 2"]
    assert shelf.batches == [[1], [1, 2, 3]]


async def test_a_query_has_a_limit(shelf: Shelf) -> None:
    loader = BatchLoader(shelf.load, 2, "postgresql")
    calls = await started(loader, 1, 2, 3, 4, 5)
    while not all(call.done() for call in calls):
        shelf.turn.set()
        await asyncio.sleep(0)
    assert [len(batch) for batch in shelf.batches] == [2, 2, 1]
    assert sorted(key for batch in shelf.batches for key in batch) == [1, 2, 3, 4, 5]


async def test_a_failure_is_everybodys_of_that_query_and_of_no_other(shelf: Shelf) -> None:
    loader = BatchLoader(shelf.load, 10, "postgresql")
    shelf.failing = True
    calls = await started(loader, 1, 2)
    shelf.turn.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    shelf.failing = False
    (call,) = await started(loader, 3)
    shelf.turn.set()
    assert await call == "3 in 2"


async def test_who_leaves_is_not_asked_for_and_takes_nobody_along(shelf: Shelf) -> None:
    loader = BatchLoader(shelf.load, 10, "postgresql")
    (first,) = await started(loader, 1)
    second, third = await started(loader, 2, 3)
    first.cancel()
    second.cancel()
    await asyncio.sleep(0)
    shelf.turn.set()

    async def next_turn() -> bool:
        return len(shelf.batches) == 2

    await until(next_turn)
    shelf.turn.set()
    assert await third == "3 in 2"
    assert shelf.batches == [[1], [3]]


@in_virtual_time
async def test_who_is_not_asked_for_in_time_is_refused_and_not_asked_for_later() -> None:
    shelf = Shelf()
    loader = BatchLoader(shelf.load, 10, "postgresql")
    (first,) = await started(loader, 1)
    (second,) = await started(loader, 2)
    with pytest.raises(Unavailable):
        await second
    (third,) = await started(loader, 3)
    shelf.turn.set()
    assert await first == "1 in 1"  # a question that is under way is waited for
    shelf.turn.set()
    assert await third == "3 in 2"
    assert shelf.batches == [[1], [3]]
