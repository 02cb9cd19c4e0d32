"""Migrations: plain SQL applied by dbmate, one transaction each, one migrator at a time."""

import asyncio
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg

from shared.database.pool import Database

SHARED_MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK_TIMEOUT = "5s"  # a migration that waits for a table's lock holds up everyone behind it
_STATEMENT_TIMEOUT = "10min"


class MigrationError(Exception):
    """A migration could not be applied; what came before it stays applied, it left nothing."""


async def migrate(dsn: str, schema: str, directories: Sequence[Path]) -> None:
    """Applies what is missing in `schema`; concurrent calls wait for each other.

    Raises `MigrationError` with dbmate's words.
    """
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
        env={"DBMATE_DATABASE_URL": _dbmate_url(dsn, schema)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise MigrationError(output.decode(errors="replace").strip())


def versions(directories: Sequence[Path]) -> frozenset[str]:
    """The versions of all migrations that this code knows."""
    return frozenset(
        match[0]
        for directory in directories
        for path in directory.glob("*.sql")
        if (match := re.match(r"\d+", path.name))
    )


class MigratedCheck:
    """Readiness: PostgreSQL answers, and nothing that this code knows is missing in its schema."""

    def __init__(self, database: Database, directories: Sequence[Path]) -> None:
        self._database = database
        self._expected = versions(directories)

    async def __call__(self) -> None:
        """Raises what is wrong."""
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


def _dbmate_url(dsn: str, schema: str) -> str:
    parts = urlsplit(dsn)
    options = dict(parse_qsl(parts.query))
    options.setdefault("sslmode", "prefer")
    options |= {
        "search_path": schema,
        "options": f"-c lock_timeout={_LOCK_TIMEOUT} -c statement_timeout={_STATEMENT_TIMEOUT}",
    }
    query = urlencode(options, quote_via=quote)
    return urlunsplit(("postgres", parts.netloc, parts.path, query, ""))
