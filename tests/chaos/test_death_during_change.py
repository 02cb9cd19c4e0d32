"""An admin-svc that dies at any step of an administrator's change: no change goes unrecorded."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.database.pool import Database
from tests.chaos.dying_admin import STEPS
from tests.support.admin_features import audit_trail_over
from tests.support.client import Client
from tests.support.internal import tables_of_admin, tables_of_identity
from tests.support.system import Installation, ready, started

pytestmark = pytest.mark.xdist_group("machine")


@contextlib.asynccontextmanager
async def dying(
    system: Installation, step: str, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """admin-svc as a process that dies at `step`."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.dying_admin", step),
            env={**os.environ, **system.environments["admin"]},
            stdout=output,
            stderr=output,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.mark.parametrize("step", STEPS)
async def test_admin_svc_is_killed_when(
    step: str, system_of_my_own: Installation, tmp_path: Path
) -> None:
    system = system_of_my_own
    async with started(system, "identity", "resource", "mailer"):
        async with dying(system, step, tmp_path / "log") as process:
            await ready(system, "admin")
            async with started(system, "gateway"), Client(system) as admin, Client(system) as user:
                assert (await admin.log_in_as_superadmin()).status == 201
                uid = (await user.become_member()).body["uid"]
                answer = await admin.call("PUT", "admin/users", {"uid": uid, "state": "banned"})
                assert answer.status in (502, 503)
            async with asyncio.timeout(60):
                assert await process.wait() == -signal.SIGKILL, (tmp_path / "log").read_text()
        async with tables_of_identity(system) as tables:
            state = await tables.fetchval("SELECT state FROM users WHERE uid = $1", uid)

    async with tables_of_admin(system) as tables:
        rows = await tables.fetch(
            "SELECT kind, result FROM audit_entries WHERE target_uid = $1 ORDER BY id", uid
        )
    noted = [(row["kind"], row["result"]) for row in rows]
    assert (state == "banned") == (step != "the intent is committed")
    concluded = [("outcome", "done")] if step == "the outcome is noted" else []
    assert noted == [("intent", None), *concluded]
    database = Database(system.environments["admin"]["DATABASE_URL"], "admin")
    async with database.opened():
        await audit_trail_over(database).verify()
