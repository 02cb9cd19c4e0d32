"""The gateway as its image has it: compiled, and kept until its sources change."""

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from tests.support.distribution import one_at_a_time

_ROOT = Path(__file__).parents[2]
_PACKAGES = (_ROOT / "services/authz-gateway/src/authz_gateway", _ROOT / "shared/src/shared")
# What else decides on the result; the lock has mypyc and the libraries whose types it reads.
_TOOLS = (_ROOT / "deploy/compiled.py", _ROOT / "requirements/dev.txt")
_KEPT = _ROOT / ".local" / "compiled"
_SECONDS = 500


class CannotCompileError(RuntimeError):
    """Says what is missing, or what the compiler said."""


def can_compile() -> bool:
    """Whether this machine has what compiling needs; `compiled_gateway` tells what it lacks."""
    return _lacking() is None


def compiled_gateway() -> Path:
    """A folder for PYTHONPATH with the packages authz_gateway and shared, compiled.

    Takes half a minute when a source has changed since the last time. Raises CannotCompileError.
    """
    if lacking := _lacking():
        raise CannotCompileError(lacking)
    _KEPT.mkdir(parents=True, exist_ok=True)
    with one_at_a_time("compiled"):
        with tempfile.TemporaryDirectory(dir=_KEPT) as temporary:
            copies = Path(temporary, "packages")
            for package in _PACKAGES:
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(package, copies / package.name, ignore=ignored)
            # Of the copies, because the sources may be changing at this moment.
            finished = _KEPT / _checksum(copies)
            if not finished.exists():
                _compile(copies)
                copies.rename(finished)
        for other in _KEPT.iterdir():
            if other.is_dir() and other != finished:
                shutil.rmtree(other)
    return finished


def _lacking() -> str | None:
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    compiler = shlex.split(command)[0]
    if shutil.which(compiler) is None:
        return f"there is no C compiler ({compiler}): `apt-get install gcc` would help"
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        return f"there is no {header}: `apt-get install python3-dev` would help"
    return None


def _checksum(folder: Path) -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in (*_TOOLS, *sorted(folder.rglob("*"))):
        if path.is_file():
            content = path.read_bytes()
            name = os.path.relpath(path, folder)
            digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _compile(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.compiled", folder],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise CannotCompileError(f"mypyc, or the C compiler, said:\n{done.stdout}{done.stderr}")
