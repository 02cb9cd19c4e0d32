"""PgBouncer as Debian ships it, in front of a PostgreSQL of the tests."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import pytest

from deploy.local import debian_packages, ports
from deploy.local.processes import StartError
from tests.support.system import ROOT

_NOBODY = 65534  # PgBouncer refuses root
_FOLDER = ROOT / ".local" / "pgbouncer"
_SECONDS = 10.0


def binary() -> tuple[Path, Mapping[str, str]]:
    """The program and what it needs in its environment; skips where it cannot be had."""
    installed = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if installed:
        return Path(installed), {}
    program = _FOLDER / "usr" / "sbin" / "pgbouncer"
    if not debian_packages.is_complete(_FOLDER):
        try:
            debian_packages.unpack("pgbouncer", _FOLDER)
        except StartError as error:
            pytest.skip(f"PgBouncer cannot be had here: {error}")
        debian_packages.complete(_FOLDER)
    return program, debian_packages.libraries(_FOLDER)


@contextlib.contextmanager
def running(dsns: Mapping[str, str], pool_mode: str) -> Iterator[dict[str, str]]:
    """The same addresses through a PgBouncer, for the time of the block.

    Its configuration is the usual one: it ignores no parameter that it does not know.
    """
    with tempfile.TemporaryDirectory() as name, _started(Path(name), dsns, pool_mode) as port:
        yield {name: _moved(dsn, port) for name, dsn in dsns.items()}


@contextlib.contextmanager
def _started(folder: Path, dsns: Mapping[str, str], pool_mode: str) -> Iterator[int]:
    program, libraries = binary()
    port = ports.free_ports(1)[0]
    users = folder / "users.txt"
    logins = {unquote(urlsplit(dsn).username or ""): _password(dsn) for dsn in dsns.values()}
    users.write_text("".join(f'"{user}" "{password}"\n' for user, password in logins.items()))
    server = urlsplit(next(iter(dsns.values())))
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"""
        [databases]
        * = host={server.hostname} port={server.port}
        [pgbouncer]
        listen_addr = {ports.LOOPBACK}
        listen_port = {port}
        unix_socket_dir =
        auth_type = scram-sha-256
        auth_file = {users}
        pool_mode = {pool_mode}
        default_pool_size = 20
        """.replace("\n        ", "\n")
    )
    root = os.geteuid() == 0
    if root:
        for path in (folder, users, configuration):
            os.chown(path, _NOBODY, _NOBODY)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, configuration],
            env={**os.environ, **libraries},
            stdout=log,
            stderr=log,
            user=_NOBODY if root else None,
            group=_NOBODY if root else None,
            extra_groups=() if root else None,
        )
    try:
        _wait(port, folder / "log")
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait(port: int, log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection((ports.LOOPBACK, port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise StartError(log.read_text()) from None
            time.sleep(0.05)
        else:
            return


def _password(dsn: str) -> str:
    return unquote(urlsplit(dsn).password or "")


def _moved(dsn: str, port: int) -> str:
    parts = urlsplit(dsn)
    credentials = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{credentials}@{ports.LOOPBACK}:{port}"))
