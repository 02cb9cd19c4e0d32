"""Migrations: plain SQL applied by dbmate, one transaction each, one migrator at a time."""

import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import asyncpg
import structlog

from shared.database.dsn import Dsn, Host
from shared.database.pool import Database, reachable
from shared.errors import Unavailable
from shared.reasons import reason_of, without_credentials

log = structlog.get_logger()

SHARED_MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK_TIMEOUT = "5s"  # a migration that waits for a table's lock holds up everyone behind it
_STATEMENT_TIMEOUT = "10min"
_RETRY_SECONDS = 1.0
_LIBPQ = {
    name: value for name, value in os.environ.items() if name.startswith("PG") or name == "HOME"
}
"""The variables in which libpq and its relatives look for passwords and certificates."""
_SSL_MODES = {"allow": "prefer"}
"""Modes that dbmate's driver does not know, by the next stricter one."""


class MigrationError(Exception):
    """A migration could not be applied; it changed nothing, and earlier ones stay applied."""


async def migrate(dsn: str, schema: str, directories: Sequence[Path]) -> None:
    """Applies missing migrations to `schema`; concurrent calls wait for each other.

    `dsn` is any address that a pool takes, and leads to PostgreSQL itself, not to a pooler: the
    lock is one of the session. Raises `MigrationError` with dbmate's output, or `Unavailable`.
    """
    url = await _dbmate_url(dsn, schema)
    arguments = [part for directory in directories for part in ("--migrations-dir", str(directory))]
    process = await asyncio.create_subprocess_exec(
        _dbmate(),
        *arguments,
        "--migrations-table",
        "schema_migrations",
        "--no-dump-schema",
        "--migration-lock",
        "--env",
        "DBMATE_DATABASE_URL",
        "migrate",
        env={**_LIBPQ, "DBMATE_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise MigrationError(without_credentials(output.decode(errors="replace").strip()))


async def wait_until_reachable(dsn: str, seconds: float) -> None:
    """Returns when PostgreSQL accepts a connection; raises `Unavailable` after `seconds`.

    While the role or the database does not exist yet, PostgreSQL counts as not reachable.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            return await reachable(dsn)
        except Unavailable as error:
            if time.monotonic() >= end:
                raise
            log.info("postgresql_awaited", reason=reason_of(error.__cause__))
        await asyncio.sleep(_RETRY_SECONDS)


def versions(directories: Sequence[Path]) -> frozenset[str]:
    """The versions of all migrations of this release."""
    return frozenset(
        match[0]
        for directory in directories
        for path in directory.glob("*.sql")
        if (match := re.match(r"\d+", path.name))
    )


class MigratedCheck:
    """Readiness: PostgreSQL answers, and all migrations of this release are applied."""

    def __init__(self, database: Database, directories: Sequence[Path]) -> None:
        self._database = database
        self._expected = versions(directories)

    async def __call__(self) -> None:
        """Raises `MigrationError`, or `Unavailable`."""
        async with self._database.connection() as connection:
            try:
                rows = await connection.fetch("SELECT version FROM schema_migrations")
            except asyncpg.UndefinedTableError:
                rows = []
        if missing := self._expected - {row["version"] for row in rows}:
            raise MigrationError(f"migrations to be applied: {', '.join(sorted(missing))}")


def _dbmate() -> str:
    """dbmate as its package installs it: beside this interpreter, or on the path."""
    beside = Path(sys.executable).with_name("dbmate")
    found = str(beside) if beside.exists() else shutil.which("dbmate")
    if found is None:
        raise MigrationError("dbmate is not installed")
    return found


async def _dbmate_url(dsn: str, schema: str) -> str:
    """The address for dbmate: of one host, which answers."""
    parsed = Dsn.parse(dsn)
    host = parsed.hosts[0] if len(parsed.hosts) == 1 else await _reachable(parsed)
    options = dict(parsed.options)
    options.pop("target_session_attrs", None)
    mode = options.get("sslmode", "disable" if host.is_socket else "prefer")
    return replace(parsed, options=options).url(
        host,
        sslmode=_SSL_MODES.get(mode, mode),
        search_path=schema,
        options=f"-c lock_timeout={_LOCK_TIMEOUT} -c statement_timeout={_STATEMENT_TIMEOUT}",
    )


async def _reachable(dsn: Dsn) -> Host:
    """The first host that serves what the address asks for; raises `Unavailable`."""
    for host in dsn.hosts[:-1]:
        try:
            await reachable(dsn.url(host))
        except Unavailable:
            continue
        return host
    await reachable(dsn.url(dsn.hosts[-1]))
    return dsn.hosts[-1]
