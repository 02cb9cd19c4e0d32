"""Exports of any length take the memory of one batch, and are never cut off unseen."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.internal import tables_of_admin
from tests.support.system import Installation, ready, started

ROWS = 100_000
MEGABYTES = 16
USERS = "/api/v2/barong/admin/activities"


@contextlib.asynccontextmanager
async def admin_svc(system: Installation) -> AsyncIterator[asyncio.subprocess.Process]:
    """admin-svc as a process, whose memory is its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "admin_svc", "serve"),
        env={**os.environ, **system.environments["admin"]},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        await ready(system, "admin")
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def peak(process: asyncio.subprocess.Process) -> float:
    """The most memory that the process ever had, MB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


async def fill(system: Installation, uid: str, rows: int) -> None:
    """So many activities of one user, a second apart."""
    async with tables_of_admin(system) as tables:
        await tables.execute(
            """
            INSERT INTO activities (
                id, created_at, category, uid, topic, action, result, user_ip, user_agent, data
            )
            SELECT gen_random_uuid(), now() + make_interval(secs => number), 'user', $1,
                   'session', 'login', 'succeed', '198.51.100.7', repeat('x', 100), NULL
            FROM generate_series(1, $2) AS number
            """,
            uid,
            rows,
        )


async def lines(admin: Client, uid: str, form: str) -> int:
    """How many lines an export has."""
    counted = 0
    async with admin.streamed(USERS, {"uid": uid, "format": form}) as response:
        assert response.status == 200
        async for chunk in response.content.iter_any():
            counted += chunk.count(b"\n")
    return counted


async def test_a_long_export_takes_no_more_memory_than_a_short_one(
    system_of_my_own: Installation,
) -> None:
    system = system_of_my_own
    async with (
        started(system, "identity", "resource"),
        admin_svc(system) as process,
        started(system, "gateway"),
        Client(system) as admin,
    ):
        await admin.log_in_as_superadmin()
        await fill(system, "IDSHORT", 2000)
        await fill(system, "IDLONG", ROWS)
        for form in ("csv", "jsonl"):
            assert await lines(admin, "IDSHORT", form) == 2000 + (form == "csv")
        before = peak(process)
        assert await lines(admin, "IDLONG", "csv") == ROWS + 1
        assert await lines(admin, "IDLONG", "jsonl") == ROWS
        assert peak(process) - before < MEGABYTES


async def test_who_hangs_up_leaves_nothing_behind(
    system_of_my_own: Installation, database: TestDatabase
) -> None:
    system = system_of_my_own
    async with started(system), Client(system) as admin:
        await admin.log_in_as_superadmin()
        await fill(system, "IDLONG", 20_000)
        for _ in range(12):  # more often than there are connections to the database
            async with admin.streamed(USERS, {"uid": "IDLONG", "format": "csv"}) as response:
                await response.content.readany()
                response.close()
        assert await lines(admin, "IDLONG", "csv") == 20_001


async def test_an_export_that_cannot_go_on_breaks_off(
    system_of_my_own: Installation, database: TestDatabase
) -> None:
    system = system_of_my_own
    async with started(system), Client(system) as admin:
        await admin.log_in_as_superadmin()
        await fill(system, "IDLONG", ROWS)

        async def read() -> None:
            async with admin.streamed(USERS, {"uid": "IDLONG", "format": "csv"}) as response:
                assert response.status == 200
                async with database.connected() as connection:
                    await connection.execute("DROP TABLE admin.activities CASCADE")
                await response.read()

        with pytest.raises(aiohttp.ClientError):
            await read()
