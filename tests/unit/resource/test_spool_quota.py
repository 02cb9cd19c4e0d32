"""What files may take of a disk, and which file is evicted."""

import asyncio

import pytest

from resource_svc.documents.spool import Quota, Reservation
from shared.errors import Unavailable
from tests.support.waiting import until


async def receive(quota: Quota, size: int, ends: asyncio.Event) -> bool:
    """Whether a file of this size, which comes slowly, was received."""
    reservation = Reservation(asyncio.timeout(None))
    try:
        async with reservation.deadline:
            with quota.receiving(reservation):
                await quota.reserve(reservation, size)
                await ends.wait()
    except TimeoutError:
        return False
    finally:
        quota.release(reservation)
    return True


async def ended(tasks: list[asyncio.Task[bool]], number: int) -> bool:
    return sum(task.done() for task in tasks) >= number


async def test_the_oldest_file_is_evicted_for_one_that_needs_room() -> None:
    quota, ends = Quota(10, 100), asyncio.Event()
    tasks = [asyncio.create_task(receive(quota, 4, ends)) for _ in range(4)]
    await until(lambda: ended(tasks, 2))
    ends.set()
    assert await asyncio.gather(*tasks) == [False, False, True, True]


async def test_the_number_of_files_is_limited() -> None:
    quota, ends = Quota(100, 2), asyncio.Event()
    tasks = [asyncio.create_task(receive(quota, 1, ends)) for _ in range(4)]
    await until(lambda: ended(tasks, 2))
    ends.set()
    assert await asyncio.gather(*tasks) == [False, False, True, True]


async def test_one_file_gets_no_more_than_the_quota() -> None:
    quota, ends = Quota(10, 100, wait_seconds=0.05), asyncio.Event()
    with pytest.raises(Unavailable):
        await receive(quota, 11, ends)
    ends.set()
    assert await receive(quota, 10, ends)


async def test_what_is_released_can_be_reserved_again() -> None:
    quota, ends = Quota(10, 2), asyncio.Event()
    ends.set()
    for _ in range(20):
        assert await receive(quota, 10, ends)
