"""A gateway or an admin-svc that dies at any step: nothing passes unrecorded, or counts twice."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.chaos.dying_of_audits import ADMIN_STEPS, GATEWAY_STEPS
from tests.support.client import Client
from tests.support.internal import tables_of_admin
from tests.support.system import NAMES, Installation, ready, started
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("machine")

CALLS = 5


@contextlib.asynccontextmanager
async def dying(
    system: Installation, name: str, step: str, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A service as a process that dies at `step`."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.dying_of_audits", name, step),
            env={**os.environ, **system.environments[name]},
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def killed(process: asyncio.subprocess.Process) -> bool:
    async with asyncio.timeout(60):
        return await process.wait() == -signal.SIGKILL


async def recorded(system: Installation, marker: str) -> list[str]:
    """The numbers of the calls that the audit log has, in order, however often."""
    async with tables_of_admin(system) as tables:
        rows = await tables.fetch(
            "SELECT data FROM activities WHERE category = 'admin' AND data LIKE '%' || $1 || '%'",
            marker,
        )
    return sorted(json.loads(row["data"])["number"] for row in rows)


async def waiting(system: Installation, marker: str, *numbers: str) -> None:
    """Returns once the log has each of these calls; that it has nothing else is up to the test."""

    async def all_there() -> bool:
        return set(await recorded(system, marker)) >= set(numbers)

    await until(all_there, 60)


@pytest.mark.parametrize("step", GATEWAY_STEPS)
async def test_the_gateway_is_killed_when(
    step: str, system_of_my_own: Installation, tmp_path: Path
) -> None:
    system, marker = system_of_my_own, secrets.token_hex(8)
    others = [name for name in NAMES if name != "gateway"]

    async def passed() -> list[str]:
        """The calls that had their effect."""
        async with tables_of_admin(system) as tables:
            rows = await tables.fetch(
                "SELECT topic FROM permissions WHERE path LIKE '%' || $1 || '%'", marker
            )
        return sorted(row["topic"] for row in rows)

    async def call(admin: Client, number: str) -> int:
        rule = {"role": "member", "verb": "get", "path": f"api/v2/{marker}/{number}"}
        rule |= {"action": "accept", "topic": number}
        params = {"number": number, "marker": marker}
        return (await admin.post("admin/permissions", rule, params=params)).status

    async with started(system, *others):
        async with dying(system, "gateway", step, tmp_path / "log") as process:
            await ready(system, "gateway")
            async with Client(system) as admin:
                assert (await admin.log_in_as_superadmin()).status == 201
                with pytest.raises(aiohttp.ClientError):
                    await call(admin, "0")
            assert await killed(process), (tmp_path / "log").read_text()
        assert await passed() == []
        async with started(system, "gateway"), Client(system) as admin:
            await admin.log_in_as_superadmin()
            numbers = [str(number) for number in range(1, CALLS)]
            assert [await call(admin, number) for number in numbers] == [201] * len(numbers)
            await waiting(system, marker, *numbers)

        assert await passed() == numbers
        log = await recorded(system, marker)
        assert log in (numbers, ["0", *numbers])
        assert ("0" in log) == (step != "the call is not yet told of")


@pytest.mark.parametrize("step", ADMIN_STEPS)
async def test_admin_svc_is_killed_when(
    step: str, system_of_my_own: Installation, tmp_path: Path
) -> None:
    system, marker = system_of_my_own, secrets.token_hex(8)
    numbers: list[str] = []
    async with started(system, "identity", "resource"):
        async with dying(system, "admin", step, tmp_path / "log") as process:
            await ready(system, "admin")
            async with started(system, "gateway"), Client(system) as admin:
                assert (await admin.log_in_as_superadmin()).status == 201
                # The first ones do not go through the queue if the gateway has not reached it yet.
                async with asyncio.timeout(60):
                    while process.returncode is None or len(numbers) < CALLS:
                        numbers.append(str(len(numbers)))
                        path = f"/api/v2/auth/api/v2/x?marker={marker}&number={numbers[-1]}"
                        assert (await admin.call("POST", path)).status == 200
                        await asyncio.sleep(0.01)
            assert await killed(process), (tmp_path / "log").read_text()
        async with started(system, "admin"):
            await waiting(system, marker, *numbers)

        assert await recorded(system, marker) == sorted(numbers)
