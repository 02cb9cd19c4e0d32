"""A service that dies at any step of an erasure leaves nothing unerased."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

import pytest

from admin_svc.activities.use_cases import BATCH
from shared.process import running
from tests.chaos.dying_eraser import HALF_WAY, STEPS
from tests.support.client import Client
from tests.support.doomed import Doomed, delete_account, doomed
from tests.support.internal import tables_of_admin
from tests.support.system import Installation, started
from tests.support.traces import SCHEMAS, traces
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("machine")

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


async def busy(system: Installation, somebody: Doomed) -> None:
    """Gives them more activities than one batch holds, and a label with a text about them."""
    async with tables_of_admin(system) as tables:
        await tables.execute(
            """
            INSERT INTO activities (
                id, created_at, category, uid, topic, action, result, user_ip, user_agent
            )
            SELECT gen_random_uuid(), now(), 'user', $1, 'session', 'login', 'succeed', $2, ''
            FROM generate_series(1, $3)
            """,
            somebody.uid,
            somebody.markers["ip"],
            BATCH,
        )
    somebody.markers["by_admin"] = f"said of {somebody.uid}"
    label = {"uid": somebody.uid, "key": "watched", "value": "closely", "scope": "public"}
    label["description"] = somebody.markers["by_admin"]
    async with Client(system) as admin:
        await admin.log_in_as_superadmin()
        assert (await admin.post("admin/users/labels", label)).status == 201


async def unerased(system: Installation, somebody: Doomed) -> int:
    """How many of their activities still have an address."""
    async with tables_of_admin(system) as tables:
        count: int = await tables.fetchval(
            "SELECT count(*) FROM activities WHERE uid = $1 AND user_ip <> ''", somebody.uid
        )
    return count


@pytest.mark.parametrize("step", STEPS)
async def test_killed_when(step: str, system_of_my_own: Installation) -> None:
    system, victim = system_of_my_own, STEPS[step][0]
    async with started(system), Client(system) as client:
        somebody = await doomed(client)
        await busy(system, somebody)
        await delete_account(client, system, somebody.uid, 2)

    async def known() -> bool:
        return any((await traces(system, somebody.markers.values())).values())

    async with running_but(system, victim), dying(system, step) as process:
        async with asyncio.timeout(60):
            assert await process.wait() == -signal.SIGKILL
        assert await known()
        if step == HALF_WAY:
            assert await unerased(system, somebody) in range(1, BATCH + 1)
    async with running_but(system):

        async def nothing_known() -> bool:
            return not await known()

        await until(nothing_known, 60)
