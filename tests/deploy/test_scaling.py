"""A schema moves to a PostgreSQL of its own, by the commands of docs/operators/scaling.md."""

import re
from dataclasses import replace
from pathlib import Path

from deploy.local import postgres
from tests.deploy.test_backup import as_role, found, libpq, run
from tests.support.client import Client
from tests.support.database import MIGRATIONS, TestDatabase
from tests.support.system import ROOT, Installation, started

PAGE = (ROOT / "docs" / "operators" / "scaling.md").read_text()
DUMP, RESTORE = re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)


async def test_resource_moves_to_a_cluster_of_its_own(
    system_of_my_own: Installation, database: TestDatabase, tmp_path: Path
) -> None:
    old = system_of_my_own
    async with started(old), Client(old) as client:
        await client.become_member()
        made = await client.post("resource/labels", {"key": "colour", "value": "blue"})
        assert made.status == 201
        email = client.email
        await run(DUMP, libpq(database.dsn, tmp_path))

    with postgres.server(tmp_path / "new", durable=False) as dsn:
        passwords = {f"{name.upper()}_DATABASE_PASSWORD": f"new-{name}" for name in MIGRATIONS}
        await run(RESTORE, libpq(dsn, tmp_path) | passwords)
        resource = {**old.environments["resource"], "DATABASE_URL": as_role(dsn, "resource")}
        system = replace(old, environments={**old.environments, "resource": resource})
        async with database.connected() as connection:
            await connection.execute("DROP SCHEMA resource CASCADE")  # nobody reads it there
        async with started(system), Client(system) as again, Client(system) as admin:
            assert (await again.log_in(email)).status == 201
            me = (await again.get("resource/users/me")).body
            assert {"email", "colour"} <= {label["key"] for label in me["labels"]}
            made = await again.post("resource/labels", {"key": "shape", "value": "round"})
            assert made.status == 201
            await admin.log_in_as_superadmin()
            assert await found(admin, email)
            async with Client(system) as new:
                assert (await new.become_member()).body["level"] == 1
