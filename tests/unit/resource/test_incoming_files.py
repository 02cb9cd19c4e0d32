"""Whose time runs out while files are received, and how slow a sender may be."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest

from resource_svc.documents.reception import Deadline, FileTooLarge, IncomingFile
from shared.errors import Malformed, Unavailable
from tests.support.virtual_time import in_virtual_time

LONG = 60.0
SHORT = 0.05


async def pieces(*sent: bytes, pause: float = 0) -> AsyncIterator[bytes]:
    for piece in sent:
        await asyncio.sleep(pause)
        yield piece


async def never() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


async def stored(deadline: Deadline, *files: Awaitable[object]) -> None:
    async with deadline.running():
        for file in files:
            with deadline.storing():
                await file


@in_virtual_time
async def test_the_sender_has_their_time() -> None:
    deadline = Deadline(SHORT, LONG)
    with pytest.raises(Malformed):
        async with deadline.running():
            await asyncio.Event().wait()


@in_virtual_time
async def test_the_sender_has_their_time_while_a_file_is_stored() -> None:
    deadline = Deadline(SHORT, LONG)
    with pytest.raises(Malformed):
        await stored(deadline, anext(IncomingFile(never(), 1, deadline)))


@in_virtual_time
async def test_the_storage_has_its_time() -> None:
    with pytest.raises(Unavailable):
        await stored(Deadline(LONG, SHORT), asyncio.Event().wait())


@in_virtual_time
async def test_all_files_share_the_time_of_the_storage() -> None:
    step = 1.5 * SHORT
    with pytest.raises(Unavailable):
        await stored(Deadline(LONG, 4 * SHORT), *map(asyncio.sleep, [step] * 3))


@in_virtual_time
async def test_no_time_of_the_storage_passes_while_the_sender_is_waited_for() -> None:
    deadline = Deadline(LONG, 0.5)
    file = IncomingFile(pieces(b"a", b"b", b"c", pause=0.3), 3, deadline)
    async with deadline.running():
        with deadline.storing():
            assert [piece async for piece in file] == [b"a", b"b", b"c"]


@in_virtual_time
async def test_no_time_of_the_sender_passes_while_the_storage_is_waited_for() -> None:
    deadline = Deadline(0.5, LONG)
    async with deadline.running():
        for _ in range(3):
            with deadline.storing():
                await asyncio.sleep(0.3)


@in_virtual_time
async def test_what_is_raised_meanwhile_is_not_taken_for_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        async with Deadline(LONG, LONG).running():
            raise TimeoutError


@in_virtual_time
async def test_a_sender_may_pause_but_not_for_long() -> None:
    deadline = Deadline(LONG, LONG)
    with pytest.raises(Malformed):
        async with deadline.running():
            await IncomingFile(never(), 1, deadline, pause=SHORT).head()


@in_virtual_time
async def test_a_sender_who_drips_is_broken_off() -> None:
    file = IncomingFile(pieces(*[b"x"] * 40, pause=0.1), 40, Deadline(LONG, LONG), pause=0.5)
    with pytest.raises(Malformed):
        [piece async for piece in file]


@in_virtual_time
async def test_who_sends_fast_enough_may_take_as_long_as_they_like() -> None:
    sent = [bytes(8 * 1024)] * 4  # a second's worth each
    file = IncomingFile(pieces(*sent, pause=0.4), 32 * 1024, Deadline(LONG, LONG), pause=1.0)
    assert [piece async for piece in file] == sent


@in_virtual_time
async def test_there_is_no_more_of_a_file_than_may_be() -> None:
    file = IncomingFile(pieces(b"abc", b"d"), 3, Deadline(LONG, LONG))
    assert await anext(file) == b"abc"
    with pytest.raises(FileTooLarge):
        await anext(file)
