"""Programs in Go: built with the Go of this machine, else with that of the package index."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.processes import StartError
from tests.support.system import ROOT

_BUILD_SECONDS = 600
_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/local/go/bin:/usr/lib/go/bin"
_CACHE = ROOT / ".local" / "programs" / "go-cache"


@contextmanager
def go_of_the_index() -> Iterator[Path]:
    """The Go that `requirements/kustomize.txt` has locked, for the time of the block."""
    with tempfile.TemporaryDirectory() as scratch:
        run(
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--target", scratch),
            *("-r", str(ROOT / "requirements" / "kustomize.txt")),
        )
        yield Path(scratch, "go", "bin", "go")


def build_file(source: Path, program: Path) -> None:
    """Builds a program of one file that needs the standard library alone.

    The first one takes some seconds more, for that library. Raises StartError where there is no Go.
    """
    if (found := shutil.which("go", path=_PLACES)) is not None:
        _build_file(Path(found), source, program)
        return
    with go_of_the_index() as go:
        _build_file(go, source, program)


def _build_file(go: Path, source: Path, program: Path) -> None:
    _CACHE.mkdir(parents=True, exist_ok=True)
    try:
        run(
            *(str(go), "build", "-o", str(program), str(source)),
            CGO_ENABLED="0",
            GO111MODULE="off",
            GOCACHE=str(_CACHE),
            GOFLAGS="",
            GOTOOLCHAIN="local",
        )
    except StartError as error:
        raise AssertionError(error) from error  # Go is there: the fault is in our file


def run(*command: str, **environment: str) -> None:
    """Runs a command to its end; raises StartError with what it said when it fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise StartError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
