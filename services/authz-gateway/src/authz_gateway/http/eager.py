"""Runs a coroutine at once as far as it goes without waiting, and only what is left in a task.

A call that is decided about from what is in memory costs no task, and no turn of the event loop.
"""

import asyncio
from asyncio import tasks
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar, cast

T = TypeVar("T")


def begin(
    work: Coroutine[Any, Any, T],
    loop: asyncio.AbstractEventLoop,
    done: Callable[[T], None],
) -> "asyncio.Task[None] | None":
    """Runs `work`, which lets no exception out, and calls `done` with its result.

    Returns the task in which it goes on where it had to wait.
    """
    # What asyncio calls the current task (docs, "Extending"): timeouts ask for it, and may cancel
    # it once there is one.
    start = _Start()
    outer = asyncio.current_task(loop)
    if outer is not None:
        tasks._leave_task(loop, outer)  # noqa: SLF001
    tasks._enter_task(loop, cast("asyncio.Task[Any]", start))  # noqa: SLF001
    try:
        awaited = work.send(None)
    except StopIteration as end:
        result: T = end.value
    else:
        start.task = loop.create_task(_go_on(work, awaited, done))
        return start.task
    finally:
        tasks._leave_task(loop, cast("asyncio.Task[Any]", start))  # noqa: SLF001
        if outer is not None:
            tasks._enter_task(loop, outer)  # noqa: SLF001
    done(result)
    return None


async def _go_on(work: Coroutine[Any, Any, T], awaited: Any, done: Callable[[T], None]) -> None:
    done(await _Rest(work, awaited))


class _Rest:
    """A coroutine that has begun, and awaits something."""

    def __init__(self, work: Coroutine[Any, Any, T], awaited: Any) -> None:
        self._work = work
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        awaited = self._awaited
        while True:
            try:
                try:
                    sent = yield awaited
                except BaseException as error:  # noqa: BLE001 - it is for the coroutine to handle
                    awaited = self._work.throw(error)
                else:
                    awaited = self._work.send(sent)
            except StopIteration as end:
                return end.value


class _Start:
    """Stands for the task before there is one."""

    __slots__ = ("task",)

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None

    def cancel(self, msg: object = None) -> bool:
        return self.task is not None and self.task.cancel(msg)

    def cancelling(self) -> int:
        return 0 if self.task is None else self.task.cancelling()

    def uncancel(self) -> int:
        return 0 if self.task is None else self.task.uncancel()
