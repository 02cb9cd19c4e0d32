"""A service that dies at any step of an erasure leaves nothing unerased."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from shared.process import running
from tests.chaos.dying_eraser import STEPS
from tests.client import Client
from tests.doomed import delete_account, doomed
from tests.system import Installation, started
from tests.traces import SCHEMAS, traces
from tests.waiting import until

_DAYS = {"BARONG_ERASURE_AFTER_DAYS": "1"}


@contextlib.asynccontextmanager
async def dying(system: Installation, step: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service of this step as a process that dies at it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.chaos.dying_eraser", step),
        env={**os.environ, **system.environments[STEPS[step][0]], **_DAYS},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def running_but(system: Installation, *absent: str) -> AsyncIterator[None]:
    """The services that keep anything, which erase after a day, whether or not they are ready."""
    async with contextlib.AsyncExitStack() as stack:
        for name in SCHEMAS:
            if name not in absent:
                await stack.enter_async_context(running(system.service(name, **_DAYS)))
        yield


@pytest.mark.parametrize("step", STEPS)
async def test_killed_when(step: str, system_of_my_own: Installation) -> None:
    system, victim = system_of_my_own, STEPS[step][0]
    async with started(system), Client(system) as client:
        somebody = await doomed(client)
        await delete_account(client, system, somebody.uid, 2)

    async def known() -> bool:
        return any((await traces(system, somebody.markers.values())).values())

    async with running_but(system, victim), dying(system, step) as process:
        async with asyncio.timeout(60):
            assert await process.wait() == -signal.SIGKILL
        assert await known()
    async with running_but(system):

        async def nothing_known() -> bool:
            return not await known()

        await until(nothing_known, 60)
