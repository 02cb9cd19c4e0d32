"""Runs the services' own `seed` commands."""

import asyncio
import sys
from collections.abc import Mapping

from tests.support.database import TestDatabase
from tests.support.system import KEY, PASSWORD, ROOT, SUPERADMIN


async def seed(database: TestDatabase) -> None:
    """Gives a migrated database its permissions and its superadmin."""
    common = {"BARONG_SERVICE_KEYS": KEY, "BARONG_CONFIG_DIR": str(ROOT / "deploy" / "config")}
    await asyncio.gather(
        command("admin_svc", "seed", {**common, "DATABASE_URL": database.dsns["admin"]}),
        command(
            "identity_svc",
            "seed",
            {
                **common,
                "DATABASE_URL": database.dsns["identity"],
                "BARONG_MASTER_KEYS": KEY,
                "BARONG_SUPERADMIN_EMAIL": SUPERADMIN,
                "BARONG_SUPERADMIN_PASSWORD": PASSWORD,
            },
        ),
    )


async def command(package: str, name: str, environment: Mapping[str, str], *arguments: str) -> str:
    """What a command of a service prints; raises AssertionError with it when it fails."""
    code, output = await outcome(package, name, environment, *arguments)
    assert code == 0, output
    return output


async def outcome(
    package: str, name: str, environment: Mapping[str, str], *arguments: str
) -> tuple[int | None, str]:
    """Exit code and output of a command."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        package,
        name,
        *arguments,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()
