"""The whole system with PgBouncer before PostgreSQL, in both modes that it can be run in."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from admin_svc.schema import MIGRATIONS
from admin_svc.settings import AdminSettings
from shared.database.migrate import MigrationError, migrate
from shared.database.pool import Database
from shared.settings import load_settings
from tests.support import pgbouncer
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.system import KEY, Installation, started


@asynccontextmanager
async def pooled(system: Installation, pool_mode: str) -> AsyncIterator[Installation]:
    """The system, not yet started, with DATABASE_URL leading to a PgBouncer."""
    direct = {
        name: environment["DATABASE_URL"]
        for name, environment in system.environments.items()
        if environment["DATABASE_URL"]
    }
    with pgbouncer.running(direct, pool_mode) as through:
        environments = dict(system.environments)
        for name, dsn in through.items():
            own = {"DATABASE_URL": dsn}
            if pool_mode == "transaction":
                own["DATABASE_DIRECT_URL"] = direct[name]
            environments[name] = {**environments[name], **own}
        yield dataclasses.replace(system, environments=environments)


@pytest.mark.parametrize("pool_mode", ["session", "transaction"])
async def test_everything_works_through_pgbouncer(
    system_of_my_own: Installation, pool_mode: str
) -> None:
    async with pooled(system_of_my_own, pool_mode) as system:
        with capture_logs() as logs:
            async with started(system), Client(system) as admin:
                assert (await admin.log_in_as_superadmin()).status == 201
                await asyncio.gather(*(_live(system, admin, n) for n in range(8)))
        assert not [line for line in logs if line["event"] == "unforeseen_error"]


async def _live(system: Installation, admin: Client, number: int) -> None:
    """What a user and an administrator do: reads, writes, mails, events, the directory."""
    async with Client(system) as client:
        uid = (await client.become_member()).body["uid"]  # the relay's LISTEN brought the mail
        assert (await client.post("resource/profiles", {"first_name": "A"})).status == 201
        label = {"uid": uid, "key": "phone", "value": "verified", "scope": "private"}
        added = await admin.post("admin/users/labels", label)
        assert (added.status, added.body["user"]["level"]) == (201, 2)
        found = await admin.get("admin/users", params={"email": client.email, "extended": "true"})
        assert [user["uid"] for user in found.body] == [uid]
        assert (
            await client.post("resource/labels", {"key": f"k{number}xx", "value": "abc"})
        ).status == 201
        assert (await client.log_in()).status == 201
        assert (await client.get("resource/users/me")).body["level"] == 2


async def test_statements_on_their_own_stand_for_themselves(database: TestDatabase) -> None:
    """Each of a hundred at once, over one server: none meets what another left there."""
    with pgbouncer.running(database.dsns, "transaction") as through:
        pool = Database(
            through["admin"], "admin", max_connections=20, direct_dsn=database.dsns["admin"]
        )
        async with pool.opened():

            async def ask(number: int) -> tuple[int, str, str]:
                async with pool.connection() as connection:
                    value = await connection.fetchval("SELECT $1::int", number)
                    await connection.execute("SELECT $1::text", str(number))
                    path = await connection.fetchval("SHOW search_path")
                    timeout = await connection.fetchval("SHOW lock_timeout")
                return value, path, timeout

            answers = await asyncio.gather(*(ask(number) for number in range(100)))
            assert answers == [(number, "admin", "5s") for number in range(100)]
            async with pool.transaction() as connection:
                await connection.executemany(
                    "INSERT INTO permissions (role, verb, path, action) VALUES ($1, $2, $3, $4)",
                    [("x", "GET", f"p{n}", "ACCEPT") for n in range(3)],
                )
                with pytest.raises(asyncpg.UniqueViolationError):
                    async with connection.transaction():
                        await connection.execute(
                            """
                            INSERT INTO permissions (role, verb, path, action)
                            VALUES ($1, 'GET', 'p1', 'ACCEPT')
                            """,
                            "x",
                        )
                kept = await connection.fetch("SELECT path FROM permissions WHERE role = 'x'")
            assert len(kept) == 3
            async with pool.dedicated() as alone:  # which is PostgreSQL itself
                assert await alone.fetchval("SELECT pg_try_advisory_lock(1)")
                assert await alone.fetchval("SHOW search_path") == "admin"


async def test_migrations_go_to_postgresql_itself(database: TestDatabase, tmp_path: Path) -> None:
    """dbmate sends settings as it connects, which PgBouncer refuses, in whichever mode."""
    (tmp_path / "20270000000001_tried.sql").write_text(
        "-- migrate:up\nCREATE TABLE tried (n int);\n-- migrate:down\n"
    )
    with pgbouncer.running(database.dsns, "session") as through:
        with pytest.raises(MigrationError, match="unsupported startup parameter"):
            await migrate(through["admin"], "admin", (*MIGRATIONS, tmp_path))
        environment = {
            "BARONG_SERVICE_KEYS": KEY,
            "DATABASE_URL": through["admin"],
            "DATABASE_DIRECT_URL": database.dsns["admin"],
        }
        settings = load_settings(AdminSettings, environment)
        await migrate(settings.direct_database_url, "admin", (*MIGRATIONS, tmp_path))
    async with database.connected() as connection:
        assert await connection.fetchval("SELECT count(*) FROM admin.tried") == 0
