"""Coroutines that are run at once: what needs no waiting is done, the rest goes on as in a task."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from authz_gateway.http.eager import begin


async def begun(
    work: Coroutine[Any, Any, object],
) -> tuple[list[object], asyncio.Task[None] | None]:
    """What was done when `begin` returned, and what is left."""
    done: list[object] = []
    task = begin(work, asyncio.get_running_loop(), done.append)
    return done, task


async def test_what_waits_for_nothing_is_done_without_a_task() -> None:
    async def inner() -> int:
        return 1

    async def work() -> int:
        return await inner() + 1

    assert await begun(work()) == ([2], None)


async def test_what_has_to_wait_is_done_later() -> None:
    gate = asyncio.Event()

    async def work() -> str:
        await gate.wait()
        await asyncio.sleep(0)
        return "waited"

    done, task = await begun(work())
    assert done == []
    assert task is not None
    gate.set()
    await task
    assert done == ["waited"]


async def test_it_may_catch_what_it_awaits() -> None:
    failing: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> str:
        try:
            await failing
        except ValueError as error:
            await asyncio.sleep(0)
            return str(error)
        return "nothing"

    done, task = await begun(work())
    assert task is not None
    failing.set_exception(ValueError("caught"))
    await task
    assert done == ["caught"]


@pytest.mark.parametrize("outside", [True, False])
async def test_timeouts_count_from_the_beginning(outside: bool) -> None:
    """They ask for the current task, before there is one."""

    async def work() -> str:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            return "in time"
        return "never"

    if outside:  # as from a protocol, which no task calls
        made: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done: list[object] = []
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: made.set_result(begin(work(), loop, done.append)))
        task = await made
    else:
        done, task = await begun(work())
    assert task is not None
    await task
    assert done == ["in time"]


async def test_whoever_begins_it_stays_the_current_task() -> None:
    async def work() -> object:
        return asyncio.current_task()

    me = asyncio.current_task()
    done, _ = await begun(work())
    assert asyncio.current_task() is me
    assert done != [me]
