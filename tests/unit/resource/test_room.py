"""What files may take of a disk, and who gives way."""

import asyncio

import pytest

from resource_svc.documents.room import Place, Room
from shared.errors import Unavailable
from tests.support.waiting import until


async def receive(room: Room, size: int, ends: asyncio.Event) -> bool:
    """Whether a file of this size, which comes slowly, was received."""
    place = Place(asyncio.timeout(None))
    try:
        async with place.deadline:
            with room.receiving(place):
                await room.take(place, size)
                await ends.wait()
    except TimeoutError:
        return False
    finally:
        room.give_back(place)
    return True


async def ended(tasks: list[asyncio.Task[bool]], number: int) -> bool:
    return sum(task.done() for task in tasks) >= number


async def test_who_began_first_gives_way_to_who_needs_room() -> None:
    room, ends = Room(10, 100), asyncio.Event()
    tasks = [asyncio.create_task(receive(room, 4, ends)) for _ in range(4)]
    await until(lambda: ended(tasks, 2))
    ends.set()
    assert await asyncio.gather(*tasks) == [False, False, True, True]


async def test_files_are_no_more_than_may_be() -> None:
    room, ends = Room(100, 2), asyncio.Event()
    tasks = [asyncio.create_task(receive(room, 1, ends)) for _ in range(4)]
    await until(lambda: ended(tasks, 2))
    ends.set()
    assert await asyncio.gather(*tasks) == [False, False, True, True]


async def test_no_one_file_has_more_than_all_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource_svc.documents.room._WAIT_SECONDS", 0.05)
    room, ends = Room(10, 100), asyncio.Event()
    with pytest.raises(Unavailable):
        await receive(room, 11, ends)
    ends.set()
    assert await receive(room, 10, ends)


async def test_room_is_there_again_afterwards() -> None:
    room, ends = Room(10, 2), asyncio.Event()
    ends.set()
    for _ in range(20):
        assert await receive(room, 10, ends)
