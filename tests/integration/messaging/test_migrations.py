"""Migrations: once, whole or not at all, and never waiting for ever."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import pytest
import structlog

from deploy.local.ports import free_ports
from shared.database.migrate import (
    SHARED_MIGRATIONS,
    MigratedCheck,
    MigrationError,
    migrate,
    wait_until_reachable,
)
from shared.database.pool import Database
from shared.errors import Unavailable
from tests.support.database import TestDatabase
from tests.support.gate import Gate
from tests.support.system import ROOT
from tests.support.waiting import until

SCHEMA = "tried"
PASSWORD = "p@ss:w/rd ?#%41'"
RESOURCE_MIGRATIONS = ROOT / "services/resource-svc/src/resource_svc/migrations"
_OF_MESSAGE_SIGNATURES = 9
"""Place of the migration of that name among resource-svc's."""
OF_ALL = sorted(file.name.partition("_")[0] for file in SHARED_MIGRATIONS.glob("*.sql"))
"""The versions that every schema has."""


@dataclass(frozen=True, slots=True)
class Place:
    """An empty schema with a role of its own, and a folder for migrations."""

    dsn: str
    folder: Path

    def write(self, version: int, up: str) -> None:
        """Adds a migration."""
        text = f"-- migrate:up\n{up}\n-- migrate:down\n"
        (self.folder / f"{20270000000000 + version}_tried.sql").write_text(text)

    async def migrate(self) -> None:
        await migrate(self.dsn, SCHEMA, (SHARED_MIGRATIONS, self.folder))

    async def fetch(self, query: str) -> list[Any]:
        """The first column of what the query gives."""
        connection = await asyncpg.connect(self.dsn, server_settings={"search_path": SCHEMA})
        try:
            return [row[0] for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def versions(self) -> list[str]:
        return await self.fetch("SELECT version FROM schema_migrations ORDER BY version")


@pytest.fixture
async def place(database: TestDatabase, tmp_path: Path) -> Place:
    name = database.dsn.rpartition("/")[2]
    async with database.connected() as connection:
        await connection.execute(
            f"""
            CREATE ROLE "{name}" LOGIN PASSWORD '{PASSWORD.replace("'", "''")}';
            GRANT CONNECT ON DATABASE "{name}" TO "{name}";
            CREATE SCHEMA {SCHEMA} AUTHORIZATION "{name}"
            """
        )
    address = database.dsn.rpartition("@")[2]
    return Place(f"postgresql://{name}:{quote(PASSWORD, safe='')}@{address}", tmp_path)


async def test_keys_for_whole_calls_become_keys_for_messages(place: Place) -> None:
    *before, change = sorted(RESOURCE_MIGRATIONS.glob("*.sql"))[:_OF_MESSAGE_SIGNATURES]
    assert change.name.endswith("_message_signatures.sql")
    for file in before:
        shutil.copy(file, place.folder)
    await place.migrate()
    await place.fetch(
        """
        INSERT INTO users (uid, email, role, level, otp, state, created_at, updated_at, version)
        VALUES ('ID1', 'one@barong.io', 'member', 1, true, 'active', now(), now(), 1)
        RETURNING uid
        """
    )
    key = "('ID1', '{0}', '{0}', '{{}}', 'active', 'sealed')"
    rows = ", ".join(key.format(algorithm) for algorithm in ("HS256", "HS256-STRICT"))
    keys = "INSERT INTO api_keys (uid, kid, algorithm, scope, state, secret) VALUES"
    await place.fetch(f"{keys} {rows} RETURNING kid")

    shutil.copy(change, place.folder)
    await place.migrate()

    assert await place.fetch("SELECT algorithm FROM api_keys ORDER BY kid") == [
        *("HS256", "hmac-sha256")
    ]
    for bad in ("NULL, NULL", "'sealed', decode(repeat('00', 32), 'hex')", "NULL, 'short'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await place.fetch(
                f"""
                INSERT INTO api_keys (uid, kid, algorithm, scope, state, secret, public_key)
                VALUES ('ID1', 'odd', 'ed25519', '{{}}', 'active', {bad})
                RETURNING kid
                """
            )


async def test_a_first_install_waits_for_postgresql_and_for_its_role(
    database: TestDatabase,
) -> None:
    role = f"late_{database.dsn.rpartition('/')[2]}"
    server = urlsplit(database.dsn)
    dsn = server._replace(netloc=f"{role}:late@{server.netloc.rpartition('@')[2]}").geturl()

    async def awaited(reason: str) -> bool:
        return any(reason in line["reason"] for line in logs)

    async with Gate.before(dsn) as gate:
        with structlog.testing.capture_logs() as logs:
            waiting = asyncio.create_task(wait_until_reachable(gate.url, 60))
            await until(lambda: awaited("Connect call failed"))
            await gate.open()
            await until(lambda: awaited("InvalidPasswordError"))
            async with database.connected() as connection:
                await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'late'")
            async with asyncio.timeout(20):
                await waiting


async def test_the_wait_for_postgresql_ends() -> None:
    (port,) = free_ports(1)

    with pytest.raises(Unavailable):
        await wait_until_reachable(f"postgresql://any:any@127.0.0.1:{port}/any", 0)


async def test_those_who_migrate_at_the_same_time_apply_everything_once(place: Place) -> None:
    place.write(1, "CREATE TABLE marks (n int); SELECT pg_sleep(0.2);")
    place.write(2, "INSERT INTO marks VALUES (1);")

    await asyncio.gather(*(place.migrate() for _ in range(4)))
    await place.migrate()

    assert await place.fetch("SELECT n FROM marks") == [1]
    assert await place.versions() == [*OF_ALL, "20270000000001", "20270000000002"]
    assert await place.fetch("SELECT count(*) FROM outbox") == [0]


async def test_a_migration_that_fails_leaves_nothing_and_says_why(place: Place) -> None:
    place.write(1, "CREATE TABLE before (n int);")
    place.write(2, "CREATE TABLE during (n int); SELECT 1 / 0;")
    place.write(3, "CREATE TABLE after (n int);")

    with pytest.raises(MigrationError, match="division by zero") as raised:
        await place.migrate()

    assert await place.versions() == [*OF_ALL, "20270000000001"]
    tables = f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}'"
    shared = {"outbox", "inbox", "events", "events_erased_users", "event_replays"}
    assert set(await place.fetch(tables)) == {"schema_migrations", "before"} | shared
    assert PASSWORD not in str(raised.value)
    place.write(2, "CREATE TABLE during (n int);")
    await place.migrate()
    assert await place.fetch("SELECT count(*) FROM after") == [0]


async def test_a_migration_waits_for_nobody_for_long(place: Place) -> None:
    place.write(
        1,
        """
        CREATE TABLE limits AS
        SELECT name, setting || unit AS value
        FROM pg_settings
        WHERE name IN ('lock_timeout', 'statement_timeout');
        """,
    )
    await place.migrate()

    assert await place.fetch("SELECT name || '=' || value FROM limits ORDER BY name") == [
        *("lock_timeout=5000ms", "statement_timeout=600000ms"),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("p%40ss", "wrong"), "password authentication failed"),
        (("/barong_", "/nowhere_"), "nowhere"),
    ],
)
async def test_who_cannot_connect_is_told_so_without_the_password(
    place: Place, change: tuple[str, str], said: str
) -> None:
    assert change[0] in place.dsn
    with pytest.raises(MigrationError, match=said) as raised:
        await migrate(place.dsn.replace(*change), SCHEMA, (SHARED_MIGRATIONS,))

    for secret in (PASSWORD, quote(PASSWORD, safe=""), "w%2Frd", "w/rd"):
        assert secret not in str(raised.value)


@asynccontextmanager
async def socket_before(dsn: str) -> AsyncIterator[str]:
    """The folder of a Unix socket that leads to the server, as PostgreSQL names it."""
    server = urlsplit(dsn)
    passing: set[asyncio.Task[None]] = set()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(server.hostname, server.port)
        for way in (pour(reader, back), pour(there, writer)):
            passing.add(asyncio.create_task(way))

    with tempfile.TemporaryDirectory() as folder:
        async with await asyncio.start_unix_server(passed, f"{folder}/.s.PGSQL.5432"):
            yield folder
            await asyncio.gather(*passing)


def variants(dsn: str, folder: str) -> dict[str, str]:
    """Addresses of one role and database, in every form."""
    parts = urlsplit(dsn)
    credentials, _, place = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    host, _, port = place.partition(":")
    name, dead = parts.path.removeprefix("/"), free_ports(1)[0]
    return {
        "as it is": dsn,
        "postgres": dsn.replace("postgresql://", "postgres://"),
        "socket": f"postgresql://{credentials}@/{name}?host={folder}",
        "socket in the authority": f"postgresql://{credentials}@{quote(folder, safe='')}/{name}",
        "hosts": f"postgresql://{credentials}@{host}:{dead},{place}/{name}",
        "hosts in the query": (
            f"postgresql://{credentials}@/{name}?host={host},{host}&port={dead},{port}"
        ),
        "primary": f"{dsn}?target_session_attrs=read-write",
        "all in the query": (
            f"postgresql://?host={host}&port={port}&dbname={name}&user={user}&password={password}"
        ),
        **{mode: f"{dsn}?sslmode={mode}" for mode in ("disable", "allow", "prefer")},
        "settings": f"{dsn}?application_name=me",
    }


async def test_every_address_that_serves_also_migrates(place: Place) -> None:
    async with socket_before(place.dsn) as folder:
        for number, (form, dsn) in enumerate(variants(place.dsn, folder).items(), 1):
            database = Database(dsn, SCHEMA)
            async with database.opened():
                async with database.connection() as connection:
                    assert await connection.fetchval("SELECT current_schema()") == SCHEMA, form
                place.write(number, f"CREATE TABLE tried{number} (n int);")
                await migrate(dsn, SCHEMA, (SHARED_MIGRATIONS, place.folder))
                await MigratedCheck(database, (SHARED_MIGRATIONS, place.folder))()


async def test_readiness_tells_a_schema_that_is_too_old(place: Place) -> None:
    place.write(1, "SELECT 1;")
    database = Database(place.dsn, SCHEMA)
    directories = (SHARED_MIGRATIONS, place.folder)
    async with database.opened():
        check = MigratedCheck(database, directories)
        with pytest.raises(MigrationError, match="20270000000001"):
            await check()
        await migrate(place.dsn, SCHEMA, (SHARED_MIGRATIONS,))
        with pytest.raises(MigrationError, match=r": 20270000000001$"):
            await check()
        await place.migrate()
        await check()
        for behind_or_between in (2, 0):
            place.write(behind_or_between, "SELECT 1;")
            with pytest.raises(MigrationError, match=f"2027000000000{behind_or_between}"):
                await MigratedCheck(database, directories)()
            await place.migrate()
            await MigratedCheck(database, directories)()


async def test_readiness_without_postgresql_is_unavailable() -> None:
    database = Database("postgresql://u:p@127.0.0.1:1/x", SCHEMA)
    async with database.opened():
        with pytest.raises(Unavailable):
            await MigratedCheck(database, (SHARED_MIGRATIONS,))()
