"""An event loop whose clock jumps: nobody waits, and a busy machine is never late."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

P = ParamSpec("P")


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Runs a test that waits for nothing but timers of its event loop.

    Where everything waits, the clock goes to the next timer at once.
    """

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(test(*args, **kwargs))

    return run


class _Selector(selectors.DefaultSelector):
    """Skips the time for which it is to wait."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            if not (ready := super().select(_HANGS_SECONDS)):
                raise AssertionError("there is no timer, and nothing happens any more")
            return ready
        self.skipped += max(timeout, 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        """Seconds of timers that are over."""
        return self._clock.skipped


_HANGS_SECONDS = 10.0
